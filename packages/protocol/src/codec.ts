/**
 * Bytes ⇄ messages. A frame is one byte of kind and a body: control messages in MessagePack, chunks of a vector raw.
 * Whatever the bytes, decoding gives a checked value or throws a {@link ShapeError}; lengths are bounded before
 * anything is unpacked.
 */
import { concatBytes, Reader, ShapeError, type Shape, u16, u32, u64 } from "@bulkhead/base";
import { Packr } from "msgpackr";
import type { AttemptName } from "./context.ts";
import {
  type ClientMessage,
  clientMessage,
  type CoordinatorMessage,
  coordinatorMessage,
  LONGEST_PAYLOAD,
} from "./messages.ts";

/** Vectors travel in pieces of this size. */
export const CHUNK_BYTES = 1 << 20;
/** The longest control message: an inbox or a list of sealed shares for 255 members, with room for the envelope. */
export const LONGEST_CONTROL = 255 * 1200 + LONGEST_PAYLOAD;
/** No frame of the protocol is longer. */
export const LONGEST_FRAME = CHUNK_BYTES + 64;

const CONTROL = 1;
const CHUNK = 2;

/** What a chunk is a piece of. */
export type VectorName = "masked-input" | "sum" | "model";
const VECTORS: readonly VectorName[] = ["masked-input", "sum", "model"];

/** `total` bytes in all; this piece starts at `offset`. */
export interface Chunk extends AttemptName {
  readonly type: "chunk";
  readonly vector: VectorName;
  readonly offset: number;
  readonly total: number;
  readonly bytes: Uint8Array;
}

export type ClientFrame = ClientMessage | Chunk;
export type CoordinatorFrame = CoordinatorMessage | Chunk;

// Records would let a stranger define structures for later messages, and references let a few hundred bytes stand for
// a tree that fills the memory; plain maps are all the protocol needs.
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  int64AsType: "number",
  structuredClone: false,
});

/** Vectors must already be bytes: MessagePack here would silently corrupt any other typed array. */
export const encodeFrame = (frame: ClientFrame | CoordinatorFrame): Uint8Array =>
  frame.type === "chunk" ? encodeChunk(frame) : concatBytes(Uint8Array.of(CONTROL), packr.pack(frame));

const encodeChunk = ({ vector, round, attempt, offset, total, bytes }: Chunk): Uint8Array =>
  concatBytes(
    Uint8Array.of(CHUNK, VECTORS.indexOf(vector)),
    u32.write(round),
    u16.write(attempt),
    u64.write(offset),
    u64.write(total),
    bytes,
  );

export const decodeClientFrame = (wire: Uint8Array): ClientFrame => decodeFrame(wire, clientMessage);
export const decodeCoordinatorFrame = (wire: Uint8Array): CoordinatorFrame =>
  decodeFrame(wire, coordinatorMessage);

const decodeFrame = <M>(wire: Uint8Array, message: Shape<M>): M | Chunk => {
  if (wire[0] === CONTROL) return message(unpack(wire.subarray(1)));
  if (wire[0] === CHUNK) return decodeChunk(wire);
  throw new ShapeError("kind", "a control message or a chunk");
};

const unpack = (body: Uint8Array): unknown => {
  if (body.length > LONGEST_CONTROL) throw new ShapeError("length", `at most ${LONGEST_CONTROL} bytes`);
  try {
    return copyBytes(packr.unpack(body));
  } catch (error) {
    if (error instanceof ShapeError) throw error;
    throw new ShapeError("", "MessagePack");
  }
};

/** Unpacked byte strings are views into the frame: copied, they neither pin it nor change with it. */
const copyBytes = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(copyBytes);
  if (typeof value !== "object" || value === null) return value;
  // What else MessagePack's extensions make (sets, errors, expressions, other typed arrays) has no place in a message.
  if (Object.getPrototypeOf(value) !== Object.prototype) throw new ShapeError("", "MessagePack");
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copyBytes(field)]));
};

const decodeChunk = (wire: Uint8Array): Chunk => {
  const from = new Reader(wire.subarray(1));
  const vector = VECTORS[from.uint(1)];
  if (vector === undefined) throw new ShapeError("vector", "a known vector");
  const [round, attempt, offset, total] = [from.uint(4), from.uint(2), from.uint(8), from.uint(8)];
  const bytes = wire.subarray(wire.length - from.rest);
  if (bytes.length > CHUNK_BYTES || bytes.length === 0)
    throw new ShapeError("bytes", `1 to ${CHUNK_BYTES} bytes`);
  if (offset + bytes.length > total) throw new ShapeError("offset", "a piece inside the vector");
  return { type: "chunk", vector, round, attempt, offset, total, bytes };
};
