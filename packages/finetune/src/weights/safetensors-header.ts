/** The header of a safetensors file: its length, its JSON, and what must hold of it before a tensor is looked at. */
import { integer, listOf, record, ShapeError, text, type TypeOf, utf8ToText } from "@bulkhead/base";
import { printable } from "./sound-file.ts";
import { BLOCK_SIZES, safetensorsType, type TensorType } from "./tensor-types.ts";

export const LENGTH_BYTES = 8;
const LONGEST_HEADER = 16 * 2 ** 20;
const MOST_TENSORS = 100_000;
const DEEPEST = 4;

/** How long the header of a file of this size is, by its first eight bytes; throws a {@link ShapeError}. */
export const headerLength = (start: Uint8Array, size: number): number => {
  if (size < LENGTH_BYTES) throw new ShapeError("header", "a length of eight bytes");
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(LONGEST_HEADER, size - LENGTH_BYTES)))
    throw new ShapeError("header", `at most 16 MiB, all of them in the file, not ${length} bytes`);
  return Number(length);
};

/** JSON in which no name stands twice; throws a {@link ShapeError}. */
export const parseUniqueJson = (bytes: Uint8Array, path: string): object => {
  let json: string;
  let value: unknown;
  try {
    json = utf8ToText(bytes);
    value = JSON.parse(json);
  } catch {
    throw new ShapeError(path, "JSON in UTF-8");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new ShapeError(path, "an object");
  const repeated = repeatedKey(json, path);
  if (repeated !== undefined) throw new ShapeError(printable(repeated), "each name once");
  return value;
};

/** `JSON.parse` keeps the last of several, other readers the first: a file that means two things is refused. */
const repeatedKey = (json: string, path: string): string | undefined => {
  const open: Set<string>[] = [];
  for (const { 0: token, groups } of json.matchAll(/[{}]|(?<name>"(?:[^"\\]|\\.)*")(?<colon>\s*:)?/gu)) {
    if (token === "{") {
      if (open.length === DEEPEST) throw new ShapeError(path, `objects at most ${DEEPEST} deep`);
      open.push(new Set());
    } else if (token === "}") open.pop();
    else if (groups?.["colon"] !== undefined) {
      const name = String(JSON.parse(groups["name"] ?? ""));
      if (open.at(-1)!.has(name)) return name;
      open.at(-1)!.add(name);
    }
  }
  return undefined;
};

export interface PlacedTensor {
  readonly name: string;
  readonly type: TensorType;
  readonly shape: readonly number[];
  /** From the first byte behind the header. */
  readonly start: number;
  readonly end: number;
}

const tensorEntry = record({
  dtype: text(16),
  shape: listOf(integer(0, Number.MAX_SAFE_INTEGER), 16),
  data_offsets: listOf(integer(0, Number.MAX_SAFE_INTEGER), 2, 2),
});

/** The tensors in the order of their bytes, which must be all that stand behind the header; throws a {@link ShapeError}. */
export const placedTensors = (header: object, valueBytes: number): readonly PlacedTensor[] => {
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  if (entries.length > MOST_TENSORS) throw new ShapeError("header", `at most ${MOST_TENSORS} tensors`);
  const tensors = entries
    .map(([name, entry]) => placed(name, tensorEntry(entry, printable(name))))
    .toSorted(byPlace);
  let at = 0;
  for (const { name, start, end, length } of tensors) {
    if (start !== at || end !== at + length)
      throw new ShapeError(
        `${printable(name)}.data_offsets`,
        `${at} to ${at + length}, after the tensor before and as long as the shape says, not ${start} to ${end}`,
      );
    at = end;
  }
  if (at !== valueBytes) throw new ShapeError("values", `${at} bytes, as the header says, not ${valueBytes}`);
  return tensors;
};

/** An empty tensor starts where another one does, and stands before it. */
const byPlace = (a: PlacedTensor, b: PlacedTensor): number => a.start - b.start || a.end - b.end;

const placed = (name: string, { dtype, shape, data_offsets: [start, end] }: TypeOf<typeof tensorEntry>) => {
  const type = safetensorsType(dtype);
  if (type === undefined) throw new ShapeError(`${printable(name)}.dtype`, "a known type");
  const length = shape.reduce((size, side) => size * side, BLOCK_SIZES[type].bytes);
  if (!Number.isSafeInteger(length))
    throw new ShapeError(`${printable(name)}.shape`, "a size that a file can have");
  return { name, type, shape, start: start!, end: end!, length };
};
