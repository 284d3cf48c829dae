/** A tensor's values out of its file, read and converted a stretch at a time: little stands in memory beside them. */
import { InputError } from "@bulkhead/base";
import { Q4_K, Q5_K, Q6_K } from "./dequantise-k.ts";
import { type Dequantise, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 } from "./dequantise.ts";
import { bfloatsToFloats, floatsToBfloats, halvesToFloats } from "./half-floats.ts";
import type { ModelBytes } from "./model-bytes.ts";
import { printable } from "./sound-file.ts";
import { BLOCK_SIZES, type TensorType } from "./tensor-types.ts";

export interface TensorPlace {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: TensorType;
  /** How many bytes it has in its file. */
  readonly bytes: number;
  /** The first of them, from the start of the file. */
  readonly at: number;
  readonly file: ModelBytes;
}

/** The bytes they are given start a buffer. */
const CONVERTERS: Partial<Readonly<Record<TensorType, Dequantise>>> = {
  F32: (bytes, values) => values.set(new Float32Array(bytes.buffer, 0, values.length)),
  F16: (bytes, values) => halvesToFloats(new Uint16Array(bytes.buffer, 0, values.length), values),
  BF16: (bytes, values) => bfloatsToFloats(new Uint16Array(bytes.buffer, 0, values.length), values),
  Q4_0,
  Q4_1,
  Q5_0,
  Q5_1,
  Q8_0,
  Q4_K,
  Q5_K,
  Q6_K,
};

/** Throws an {@link InputError} for a type that holds no floats, or none that are known here. */
export const readFloats = async (place: TensorPlace): Promise<Float32Array> => {
  const convert = converterOf(place);
  const values = allocated(place, (count) => new Float32Array(count));
  if (place.type === "F32") await place.file.read(place.at, bytesOf(values));
  else for await (const { bytes, from, to } of stretches(place)) convert(bytes, values.subarray(from, to));
  return values;
};

/** The same as bfloat16 bits, rounded to the nearest, ties to even. */
export const readHalves = async (place: TensorPlace): Promise<Uint16Array> => {
  const convert = converterOf(place);
  const halves = allocated(place, (count) => new Uint16Array(count));
  if (place.type === "BF16") await place.file.read(place.at, bytesOf(halves));
  else {
    let wide = new Float32Array(0);
    for await (const { bytes, from, to } of stretches(place)) {
      if (wide.length < to - from) wide = new Float32Array(to - from);
      const values = wide.subarray(0, to - from);
      convert(bytes, values);
      floatsToBfloats(values, halves.subarray(from, to));
    }
  }
  return halves;
};

const converterOf = ({ name, type, file }: TensorPlace): Dequantise => {
  const convert = CONVERTERS[type];
  if (convert !== undefined) return convert;
  throw new InputError({
    code: "model-tensor",
    place: file.place,
    problem: `${printable(name)} is stored as ${type}`,
    cure: `convert it to one of ${Object.keys(CONVERTERS).join(", ")}`,
  });
};

const allocated = <T>({ name, shape, file }: TensorPlace, allocate: (count: number) => T): T => {
  const count = shape.reduce((size, side) => size * side, 1);
  try {
    return allocate(count);
  } catch {
    throw new InputError({
      code: "model-tensor",
      place: file.place,
      problem: `the ${count} values of ${printable(name)} do not fit into memory`,
      cure: "use a smaller model or a machine with more memory",
    });
  }
};

const STRETCH = 2 ** 18;

/** Whole blocks, a quarter of a megabyte at a time, in one buffer that is used again: it stays in the cache. */
async function* stretches({ type, bytes, at, file }: TensorPlace) {
  const block = BLOCK_SIZES[type];
  const longest = Math.min(bytes, STRETCH - (STRETCH % block.bytes));
  const buffer = new Uint8Array(longest);
  for (let done = 0; done < bytes; done += longest) {
    const length = Math.min(longest, bytes - done);
    const piece = buffer.subarray(0, length);
    await file.read(at + done, piece);
    const from = (done / block.bytes) * block.values;
    yield { bytes: piece, from, to: from + (length / block.bytes) * block.values };
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
