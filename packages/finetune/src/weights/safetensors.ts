/**
 * Reads safetensors from memory: eight bytes of header length, a JSON header, raw little-endian values. A file from
 * outside is not trusted: lengths, offsets, types and shapes are checked against each other before anything is
 * allocated, and the values must fill the file without holes or overlaps, as the format demands.
 */
import { bfloatsToFloats, halvesToFloats } from "./half-floats.ts";
import { headerLength, LENGTH_BYTES, parseUniqueJson, placedTensors } from "./safetensors-header.ts";
import { soundFile } from "./sound-file.ts";
import type { TensorType } from "./tensor-types.ts";

export interface StoredTensor {
  readonly name: string;
  readonly dtype: TensorType;
  readonly shape: readonly number[];
  /** A view into the file. */
  readonly bytes: Uint8Array;
}

/** The tensors by name; `place` names the file in errors. Throws an {@link InputError}. */
export const readSafetensors = (file: Uint8Array, place: string): ReadonlyMap<string, StoredTensor> =>
  soundFile("safetensors", place, () => {
    const end = LENGTH_BYTES + headerLength(file, file.length);
    const header = parseUniqueJson(file.subarray(LENGTH_BYTES, end), "header");
    const values = file.subarray(end);
    const tensors = placedTensors(header, values.length);
    return new Map(
      tensors.map(({ name, type, shape, start, end: stop }) => [
        name,
        { name, dtype: type, shape, bytes: values.subarray(start, stop) },
      ]),
    );
  });

/** The values as 32-bit floats; `undefined` for types that carry no floats. */
export const floatsOf = ({ dtype, bytes }: StoredTensor): Float32Array | undefined => {
  if (dtype !== "F32" && dtype !== "BF16" && dtype !== "F16") return undefined;
  // A copy, because a view into a file need not be aligned (and a Buffer's slice would be no copy).
  const { buffer } = new Uint8Array(bytes);
  if (dtype === "F32") return new Float32Array(buffer);
  const values = new Float32Array(bytes.length / 2);
  if (dtype === "BF16") bfloatsToFloats(new Uint16Array(buffer), values);
  else halvesToFloats(new Uint16Array(buffer), values);
  return values;
};
