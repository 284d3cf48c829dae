/**
 * Addition of lanes modulo 2^16 or 2^32, by words of 32 bits: a word of 16-bit lanes takes two at once. V8 makes fast
 * code of a loop only as long as it meets one kind of array, so that each loop here has its own.
 */
import type { RingVector } from "./ring-engine.ts";
import { laneBytes } from "./ring-vector.ts";

/** The top bit of both lanes in a word; all others can be added without a carry into the neighbour. */
const TOP_BITS = 0x8000_8000;
const REST = 0x7fff_7fff;

/** Adds `sign` times the lanes in `bytes` to those of `target` from `first` on. `bytes` starts at a whole word. */
export const addLanes = (
  target: RingVector,
  first: number,
  { bytes, sign }: { readonly bytes: Uint8Array; readonly sign: 1 | -1 },
): void => {
  // a - b is the complement of (complement of a) + b.
  const complement = sign === 1 ? 0 : -1;
  const offset = target.bytes.byteOffset + first * laneBytes(target);
  const { buffer, byteOffset, length } = bytes;
  // Sixteen-bit lanes may start in the middle of a word of the target.
  const words = offset % 4 === 0 ? Math.floor(length / 4) : 0;
  const into = new Int32Array(target.bytes.buffer, words > 0 ? offset : 0, words);
  const from = new Int32Array(buffer, words > 0 ? byteOffset : 0, words);
  if (target.laneBits === 32) return addWords(into, from, complement);
  addPairs(into, from, complement);
  const rest = (length - 4 * words) / 2;
  return addSingles(
    new Uint16Array(target.bytes.buffer, offset + 4 * words, rest),
    new Uint16Array(buffer, byteOffset + 4 * words, rest),
    complement,
  );
};

const addWords = (into: Int32Array, from: Int32Array, complement: 0 | -1): void => {
  for (let i = 0; i < into.length; i++) into[i] = complement ^ ((complement ^ into[i]!) + from[i]!);
};

const addPairs = (into: Int32Array, from: Int32Array, complement: 0 | -1): void => {
  for (let i = 0; i < into.length; i++) {
    const a = complement ^ into[i]!;
    const b = from[i]!;
    into[i] = complement ^ (((a & REST) + (b & REST)) ^ ((a ^ b) & TOP_BITS));
  }
};

const addSingles = (into: Uint16Array, from: Uint16Array, complement: 0 | -1): void => {
  for (let i = 0; i < into.length; i++) into[i] = complement ^ ((complement ^ into[i]!) + from[i]!);
};
