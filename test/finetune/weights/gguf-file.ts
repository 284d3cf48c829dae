/** Writes GGUF files piece by piece, sound ones and such as lie: every number in them can be another one. */
import { concatBytes, utf8 } from "@bulkhead/base";

export const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
export const u64 = (value: bigint | number): Uint8Array =>
  new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** Text behind its length, or behind the length it claims. */
export const gText = (text: string | Uint8Array, length?: bigint | number): Uint8Array => {
  const bytes = typeof text === "string" ? utf8(text) : text;
  return concatBytes(u64(length ?? bytes.length), bytes);
};

/** A value of a key: its type, and its bytes. */
export interface GPair {
  readonly key: string | Uint8Array;
  readonly type: number;
  readonly value: Uint8Array;
}

export const textPair = (key: string, value: string): GPair => ({ key, type: 8, value: gText(value) });
export const u32Pair = (key: string, value: number): GPair => ({ key, type: 4, value: u32(value) });
export const arrayPair = (
  key: string,
  type: number,
  items: readonly Uint8Array[],
  length: bigint | number = items.length,
): GPair => ({ key, type: 9, value: concatBytes(u32(type), u64(length), ...items) });

export interface GTensor {
  readonly name: string | Uint8Array;
  /** Innermost side first, as the file has them. */
  readonly sides: readonly (bigint | number)[];
  readonly sideCount?: number;
  readonly type: number;
  /** Where it says that it starts; by default where it does. */
  readonly offset?: bigint | number;
  readonly bytes: Uint8Array;
}

export interface GFile {
  readonly magic?: string;
  readonly version?: number;
  readonly pairs?: readonly GPair[];
  readonly tensors?: readonly GTensor[];
  readonly pairCount?: bigint | number;
  readonly tensorCount?: bigint | number;
  readonly alignment?: number;
  /** Bytes behind the last tensor, which is not padded otherwise. */
  readonly after?: number;
}

const padded = (at: number, alignment: number): number => Math.ceil(at / alignment) * alignment;

export const ggufFile = (file: GFile): Uint8Array => {
  const { pairs = [], tensors = [], alignment = 32 } = file;
  const offsets: number[] = [];
  let end = 0;
  for (const { bytes } of tensors) {
    offsets.push(padded(end, alignment));
    end = padded(end, alignment) + bytes.length;
  }
  const head = concatBytes(
    utf8(file.magic ?? "GGUF"),
    u32(file.version ?? 3),
    u64(file.tensorCount ?? tensors.length),
    u64(file.pairCount ?? pairs.length),
    ...pairs.map(({ key, type, value }) => concatBytes(gText(key), u32(type), value)),
    ...tensors.map(({ name, sides, sideCount, type, offset }, i) =>
      concatBytes(
        gText(name),
        u32(sideCount ?? sides.length),
        ...sides.map(u64),
        u32(type),
        u64(offset ?? offsets[i]!),
      ),
    ),
  );
  const start = tensors.length === 0 ? head.length : padded(head.length, alignment);
  const whole = new Uint8Array(start + end + (file.after ?? 0));
  whole.set(head);
  for (const [i, { bytes }] of tensors.entries()) whole.set(bytes, start + offsets[i]!);
  return whole;
};

/** A file with a bit of everything, of about a kilobyte. */
export const SOUND: GFile = {
  pairs: [
    textPair("general.architecture", "llama"),
    u32Pair("llama.block_count", 2),
    { key: "llama.f", type: 6, value: new Uint8Array(Float32Array.of(1e-5).buffer) },
    { key: "llama.long", type: 10, value: u64(7) },
    { key: "llama.yes", type: 7, value: Uint8Array.of(1) },
    arrayPair(
      "tokens",
      8,
      ["a", "b", "Ġthe"].map((token) => gText(token)),
    ),
    arrayPair("types", 5, [u32(1), u32(3)]),
    arrayPair("nested", 9, [concatBytes(u32(0), u64(2), Uint8Array.of(1, 2)), concatBytes(u32(8), u64(0))]),
  ],
  tensors: [
    { name: "blk.0.norm", sides: [3], type: 0, bytes: new Uint8Array(Float32Array.of(1, 2, 3).buffer) },
    { name: "blk.0.q", sides: [32, 2], type: 3, bytes: new Uint8Array(40).fill(17) },
    { name: "blk.0.k", sides: [256, 1], type: 14, bytes: new Uint8Array(210).fill(35) },
    { name: "half", sides: [2, 2], type: 1, bytes: new Uint8Array(8).fill(60) },
  ],
};
