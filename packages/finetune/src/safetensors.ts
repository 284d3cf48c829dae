/**
 * Reads and writes safetensors: eight bytes of header length, a JSON header, raw little-endian values. A file from
 * outside is not trusted: lengths, offsets, types and shapes are checked against each other before anything is
 * allocated, and the values must fill the file without holes or overlaps, as the format demands.
 */
import {
  concatBytes,
  InputError,
  integer,
  listOf,
  record,
  ShapeError,
  text,
  type TypeOf,
  utf8,
} from "@bulkhead/base";
import { LENGTH_BYTES, partsOf, printable } from "./safetensors-header.ts";

export interface StoredTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** A view into the file. */
  readonly bytes: Uint8Array;
}

export interface NamedValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

const MOST_TENSORS = 100_000;

const TYPES_BY_BYTES = {
  1: "BOOL U8 I8 F8_E4M3 F8_E5M2",
  2: "U16 I16 F16 BF16",
  4: "U32 I32 F32",
  8: "U64 I64 F64",
};

const BYTES_OF: ReadonlyMap<string, number> = new Map(
  Object.entries(TYPES_BY_BYTES).flatMap(([bytes, types]) =>
    types.split(" ").map((type) => [type, Number(bytes)] as const),
  ),
);

/** The tensors by name; `place` names the file in errors. Throws an {@link InputError}. */
export const readSafetensors = (file: Uint8Array, place: string): ReadonlyMap<string, StoredTensor> => {
  try {
    return parse(file);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new InputError({
      code: "model-safetensors",
      place,
      problem: `not a sound safetensors file: ${error.message}`,
      cure: "fetch or export the file again",
    });
  }
};

const tensorEntry = record({
  dtype: text(16),
  shape: listOf(integer(0, Number.MAX_SAFE_INTEGER), 16),
  data_offsets: listOf(integer(0, Number.MAX_SAFE_INTEGER), 2, 2),
});

const parse = (file: Uint8Array): ReadonlyMap<string, StoredTensor> => {
  const { header, values } = partsOf(file);
  const entries = Object.entries(header).filter(([name]) => name !== "__metadata__");
  if (entries.length > MOST_TENSORS) throw new ShapeError("header", `at most ${MOST_TENSORS} tensors`);
  const tensors = entries
    .map(([name, entry]) => ({ name, entry: tensorEntry(entry, printable(name)) }))
    .toSorted((a, b) => byPlace(a.entry.data_offsets, b.entry.data_offsets));
  let at = 0;
  for (const { name, entry } of tensors) {
    const [start, end] = entry.data_offsets;
    const length = byteLength(printable(name), entry);
    if (start !== at || end !== at + length)
      throw new ShapeError(
        `${printable(name)}.data_offsets`,
        `${at} to ${at + length}, after the tensor before and as long as the shape says, not ${start} to ${end}`,
      );
    at = end;
  }
  if (at !== values.length)
    throw new ShapeError("values", `${at} bytes, as the header says, not ${values.length}`);
  return new Map(
    tensors.map(({ name, entry: { dtype, shape, data_offsets } }) => [
      name,
      { name, dtype, shape, bytes: values.subarray(data_offsets[0], data_offsets[1]) },
    ]),
  );
};

/** An empty tensor starts where another one does, and stands before it. */
const byPlace = (a: readonly number[], b: readonly number[]): number => a[0]! - b[0]! || a[1]! - b[1]!;

const byteLength = (name: string, { dtype, shape }: TypeOf<typeof tensorEntry>): number => {
  const width = BYTES_OF.get(dtype);
  if (width === undefined) throw new ShapeError(`${name}.dtype`, "a known type");
  const length = shape.reduce((size, side) => size * side, width);
  if (!Number.isSafeInteger(length)) throw new ShapeError(`${name}.shape`, "a size that a file can have");
  return length;
};

/** The values as 32-bit floats; `undefined` for types that carry no floats. */
export const floatsOf = ({ dtype, bytes }: StoredTensor): Float32Array | undefined => {
  // A copy, because a view into a file need not be aligned (and a Buffer's slice would be no copy).
  const { buffer } = new Uint8Array(bytes);
  if (dtype === "F32") return new Float32Array(buffer);
  if (dtype === "BF16")
    return new Float32Array(Uint32Array.from(new Uint16Array(buffer), (bits) => bits << 16).buffer);
  if (dtype === "F16") return Float32Array.from(new Uint16Array(buffer), halfToFloat);
  return undefined;
};

const halfToFloat = (bits: number): number => {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits >> 15 === 0 ? 1 : -1;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** The file with these tensors in this order: the same tensors give the same bytes on every machine. */
export const writeSafetensors = (tensors: readonly NamedValues[]): Uint8Array => {
  let at = 0;
  const entries = tensors.map(({ name, shape, values }) => {
    const start = at;
    at += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [start, at] }] as const;
  });
  const json = JSON.stringify({ __metadata__: { format: "pt" }, ...Object.fromEntries(entries) });
  const header = utf8(json.padEnd(Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES));
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return concatBytes(length, header, ...tensors.map(({ values }) => bytesOf(values)));
};

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
