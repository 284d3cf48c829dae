/** Writes safetensors: in memory in 32 bits, or tensor by tensor into a file in 32 or 16. */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { concatBytes, invariant, utf8 } from "@bulkhead/base";
import { floatsToBfloats, floatsToHalves } from "./half-floats.ts";
import { LENGTH_BYTES } from "./safetensors-header.ts";
import { BLOCK_SIZES } from "./tensor-types.ts";

export interface NamedValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type WrittenType = "F32" | "BF16" | "F16";

export interface TensorToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: WrittenType;
  /** Asked for when its turn comes, and let go before the next one's. */
  readonly values: () => Promise<Float32Array>;
}

/** The file with these tensors in this order: the same tensors give the same bytes on every machine. */
export const writeSafetensors = (tensors: readonly NamedValues[]): Uint8Array =>
  concatBytes(
    headerFor(tensors.map(({ name, shape }) => ({ name, shape, type: "F32" }))),
    ...tensors.map(({ values }) => bytesOf(values)),
  );

/**
 * The same, in the types asked for, one tensor in memory at a time. The file is complete or absent: it is written
 * beside its place and renamed. Rounds to the nearest, ties to even; in F16, what is above 65,519 becomes infinite.
 */
export const writeSafetensorsFile = async (
  place: string,
  tensors: readonly TensorToWrite[],
): Promise<void> => {
  const draft = `${place}.part`;
  const file = await open(draft, "w");
  try {
    await file.writeFile(headerFor(tensors));
    for (const tensor of tensors) await writeTensor(file, tensor);
    await file.sync();
    await file.close();
    await rename(draft, place);
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
};

type TensorHead = Pick<TensorToWrite, "name" | "shape" | "type">;

const headerFor = (tensors: readonly TensorHead[]): Uint8Array => {
  let at = 0;
  const entries = tensors.map(({ name, shape, type }) => {
    const start = at;
    at += sizeOf(shape) * BLOCK_SIZES[type].bytes;
    return [name, { dtype: type, shape, data_offsets: [start, at] }] as const;
  });
  const fields = Object.fromEntries(entries);
  invariant(Object.keys(fields).length === tensors.length, "each tensor has a name of its own");
  const json = utf8(JSON.stringify({ __metadata__: { format: "pt" }, ...fields }));
  const header = new Uint8Array(Math.ceil(json.length / LENGTH_BYTES) * LENGTH_BYTES).fill(0x20);
  header.set(json);
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return concatBytes(length, header);
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

/** Values that are written at once: what is converted stays small beside the tensor. */
const PIECE = 2 ** 20;

const writeTensor = async (file: FileHandle, { name, shape, type, values }: TensorToWrite): Promise<void> => {
  const floats = await values();
  invariant(floats.length === sizeOf(shape), `${name} fills its shape`);
  for (let start = 0; start < floats.length; start += PIECE)
    await file.writeFile(converted(type, floats.subarray(start, start + PIECE)));
};

const converted = (type: WrittenType, floats: Float32Array): Uint8Array => {
  if (type === "F32") return bytesOf(floats);
  const short = new Uint16Array(floats.length);
  if (type === "BF16") floatsToBfloats(floats, short);
  else floatsToHalves(floats, short);
  return bytesOf(short);
};

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);
