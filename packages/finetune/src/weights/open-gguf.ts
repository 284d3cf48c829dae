/**
 * Weights in GGUF, versions 2 and 3, little-endian. As strict as llama.cpp: tensors stand in the order of their table,
 * each aligned behind the one before, and fill the file.
 */
import { ShapeError } from "@bulkhead/base";
import { GgufCursor } from "./gguf-cursor.ts";
import { type GgufValue, readMetadata } from "./gguf-metadata.ts";
import type { ModelBytes } from "./model-bytes.ts";
import { printable, soundFile } from "./sound-file.ts";
import { BLOCK_SIZES, ggmlType, type TensorType } from "./tensor-types.ts";
import type { TensorPlace } from "./tensor-values.ts";

export interface GgufHead {
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly places: readonly TensorPlace[];
}

const MAGIC = 0x46554747;
const MOST_TENSORS = 100_000;
const MOST_SIDES = 4;
const LONGEST_NAME = 256;

export const isGguf = async (file: ModelBytes): Promise<boolean> => {
  const start = new Uint8Array(Math.min(4, file.size));
  await file.read(0, start);
  return start.length === 4 && new DataView(start.buffer).getUint32(0, true) === MAGIC;
};

/** What the head of an open file says. Throws an `InputError`. */
export const readGgufHead = (file: ModelBytes): GgufHead =>
  soundFile("gguf", file.place, () => {
    const cursor = new GgufCursor(file);
    if (cursor.u32("magic") !== MAGIC) throw cursor.refusal("magic", "GGUF", -4);
    checkVersion(cursor);
    const tensors = cursor.u64("tensors");
    if (tensors > MOST_TENSORS)
      throw cursor.refusal("tensors", `at most ${MOST_TENSORS}, not ${tensors}`, -8);
    const metadata = readMetadata(cursor, cursor.u64("metadata"));
    refuseSplit(metadata);
    const alignment = alignmentOf(metadata);
    const heads = readTable(cursor, tensors);
    return { metadata, places: placed(file, heads, { start: aligned(cursor.at, alignment), alignment }) };
  });

const checkVersion = (cursor: GgufCursor): void => {
  const version = cursor.u32("version");
  if (version === 2 || version === 3) return;
  const found = version % 65_536 === 0 ? "a big-endian file" : String(version);
  throw cursor.refusal("version", `2 or 3 in little-endian order, not ${found}`, -4);
};

const refuseSplit = (metadata: ReadonlyMap<string, GgufValue>): void => {
  const parts = metadata.get("split.count");
  if (parts !== undefined && parts !== 1 && parts !== 0)
    throw new ShapeError("split.count", "one file, since this is a part of several (gguf-split merges them)");
};

const alignmentOf = (metadata: ReadonlyMap<string, GgufValue>): number => {
  const alignment = metadata.get("general.alignment") ?? 32;
  const isPower = typeof alignment === "number" && Number.isInteger(Math.log2(alignment));
  if (!isPower || alignment < 8 || alignment > 65_536)
    throw new ShapeError("general.alignment", "a power of two from 8 to 65536");
  return alignment;
};

const aligned = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment;

interface TensorHead {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorType;
  readonly bytes: number;
  /** From the first byte behind the head. */
  readonly offset: number;
}

const readTable = (cursor: GgufCursor, tensors: number): readonly TensorHead[] => {
  const heads = new Map<string, TensorHead>();
  for (let i = 0; i < tensors; i++) {
    const name = cursor.text(`tensors[${i}]`, LONGEST_NAME);
    if (heads.has(name)) throw cursor.refusal(printable(name), "each tensor once");
    heads.set(name, readTensorHead(cursor, name));
  }
  return [...heads.values()];
};

const readTensorHead = (cursor: GgufCursor, name: string): TensorHead => {
  const path = printable(name);
  const sides = cursor.u32(path);
  if (sides > MOST_SIDES)
    throw cursor.refusal(`${path}.shape`, `at most ${MOST_SIDES} sides, not ${sides}`, -4);
  const shape = Array.from({ length: sides }, () => cursor.u64(`${path}.shape`)).toReversed();
  const number = cursor.u32(path);
  const type = ggmlType(number);
  if (type === undefined) throw cursor.refusal(`${path}.type`, `a known type, not ${number}`, -4);
  const block = BLOCK_SIZES[type];
  if ((shape.at(-1) ?? 1) % block.values !== 0)
    throw cursor.refusal(`${path}.shape`, `rows of whole blocks of ${block.values} values, as ${type} has`);
  const values = shape.reduce((size, side) => size * side, 1);
  if (!Number.isSafeInteger(values * block.bytes))
    throw cursor.refusal(`${path}.shape`, "a size that a file can have");
  return { name, shape, type, bytes: (values / block.values) * block.bytes, offset: cursor.u64(path) };
};

interface Layout {
  readonly start: number;
  readonly alignment: number;
}

const placed = (
  file: ModelBytes,
  heads: readonly TensorHead[],
  { start, alignment }: Layout,
): readonly TensorPlace[] => {
  let end = 0;
  const places = heads.map(({ offset, ...head }) => {
    const wanted = aligned(end, alignment);
    const path = printable(head.name);
    if (offset !== wanted)
      throw new ShapeError(`${path}.offset`, `${wanted}, aligned behind the tensor before, not ${offset}`);
    end = wanted + head.bytes;
    const at = start + wanted;
    if (at + head.bytes > file.size)
      throw new ShapeError(path, `${head.bytes} bytes from ${at}, of a file that ends at ${file.size}`);
    return { ...head, at, file };
  });
  if (file.size > aligned(start + end, alignment))
    throw new ShapeError("values", `an end at ${start + end}, as the table says, not at ${file.size}`);
  return places;
};
