/**
 * What travels inside a session: a header of three numbers of eight bytes (kind, number, acknowledged) and, behind
 * it, the message. The header is 24 bytes long so that a message stands at a multiple of eight.
 */
import { decodeCanonical, ShapeError, struct, u64 } from "@bulkhead/base";

export const FRAME_OVERHEAD = 24;

/** Why a peer ends a session in order; where a code stands is what travels. */
export const FAREWELLS = [
  "done",
  "replaced",
  "overflow",
  "protocol-violation",
  "shutting-down",
  "failed",
] as const;
export type Farewell = (typeof FAREWELLS)[number];

export type Frame = { readonly acknowledged: number } & (
  | { readonly type: "message"; readonly number: number; readonly message: Uint8Array }
  | { readonly type: "acknowledgement" }
  | { readonly type: "farewell"; readonly farewell: Farewell }
);

const KINDS = { message: 1, acknowledgement: 2, farewell: 3 } as const;
const ACKNOWLEDGED_AT = 16;
const header = struct({ kind: u64, number: u64, acknowledged: u64 });

/** A message's frame, with room for what it will acknowledge: {@link stampAcknowledged}, each time it goes out. */
export const messageFrame = (number: number, message: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(FRAME_OVERHEAD + message.length);
  frame.set(header.write({ kind: KINDS.message, number, acknowledged: 0 }));
  frame.set(message, FRAME_OVERHEAD);
  return frame;
};

export const stampAcknowledged = (frame: Uint8Array, acknowledged: number): void => {
  frame.set(u64.write(acknowledged), ACKNOWLEDGED_AT);
};

export const acknowledgementFrame = (acknowledged: number): Uint8Array =>
  header.write({ kind: KINDS.acknowledgement, number: 0, acknowledged });

export const farewellFrame = (farewell: Farewell, acknowledged: number): Uint8Array =>
  header.write({ kind: KINDS.farewell, number: FAREWELLS.indexOf(farewell), acknowledged });

/** Gives `undefined` for bytes that are no frame. The message is a view of `bytes`. */
export const decodeFrame = (bytes: Uint8Array): Frame | undefined => {
  const read = decodeHeader(bytes);
  if (read === undefined) return undefined;
  const { kind, number, acknowledged } = read;
  if (kind === KINDS.message && number > 0)
    return { type: "message", number, acknowledged, message: bytes.subarray(FRAME_OVERHEAD) };
  if (bytes.length > FRAME_OVERHEAD) return undefined;
  if (kind === KINDS.acknowledgement && number === 0) return { type: "acknowledgement", acknowledged };
  const farewell = kind === KINDS.farewell ? FAREWELLS[number] : undefined;
  return farewell && { type: "farewell", farewell, acknowledged };
};

const decodeHeader = (bytes: Uint8Array) => {
  try {
    return decodeCanonical(header, bytes.subarray(0, FRAME_OVERHEAD));
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
};
