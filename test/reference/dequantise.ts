/** What a value of a quantised block is, looked up bit by bit as GGML's layouts say, one value at a time. */
import { halfToFloat } from "./half-floats.ts";

type Block = Uint8Array;

const half = (block: Block, at: number): number => halfToFloat(block[at]! + 256 * block[at + 1]!);

/** `count` bits from bit `first` of a string of bytes, lowest first. */
const bits = (block: Block, at: number, first: number, count: number): number => {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const bit = first + i;
    value += ((block[at + (bit >> 3)]! >> (bit & 7)) & 1) * 2 ** i;
  }
  return value;
};

const signedByte = (block: Block, at: number): number => (block[at]! < 128 ? block[at]! : block[at]! - 256);

/** Values 0 to 15 stand in the lower halves of sixteen bytes, 16 to 31 in the upper. */
const nibbleOf32 = (block: Block, at: number, i: number): number =>
  bits(block, at + (i % 16), i < 16 ? 0 : 4, 4);

/** The same for each 64 of 256 values: 32 lower halves, then 32 upper. */
const nibbleOf256 = (block: Block, at: number, i: number): number =>
  bits(block, at + 32 * Math.floor(i / 64) + (i % 32), i % 64 < 32 ? 0 : 4, 4);

/** Scale and minimum of a part of 32 values: six bits each, the upper two of parts 4 to 7 above those of parts 0 to 3. */
const scaleAndMinimum = (block: Block, at: number, part: number): readonly [number, number] => {
  if (part < 4) return [bits(block, at + part, 0, 6), bits(block, at + 4 + part, 0, 6)];
  return [
    bits(block, at + 4 + part, 0, 4) + 16 * bits(block, at + part - 4, 6, 2),
    bits(block, at + 4 + part, 4, 4) + 16 * bits(block, at + part, 6, 2),
  ];
};

const kValue = (block: Block, i: number, quant: number): number => {
  const [scale, minimum] = scaleAndMinimum(block, 4, Math.floor(i / 32));
  return Math.fround(Math.fround(half(block, 0) * scale * quant) - Math.fround(half(block, 2) * minimum));
};

const sixth = (block: Block, i: number): number => {
  const [side, within] = [Math.floor(i / 128), i % 128];
  const low = bits(block, 64 * side + (within % 64), within < 64 ? 0 : 4, 4);
  const high = bits(block, 128 + 32 * side + (within % 32), 2 * Math.floor(within / 32), 2);
  return low + 16 * high - 32;
};

/** By type, the value with this number in a block. */
export const VALUE_OF = {
  Q4_0: (block: Block, i: number) => half(block, 0) * (nibbleOf32(block, 2, i) - 8),
  Q4_1: (block: Block, i: number) => half(block, 0) * nibbleOf32(block, 4, i) + half(block, 2),
  Q5_0: (block: Block, i: number) =>
    half(block, 0) * (nibbleOf32(block, 6, i) + 16 * bits(block, 2, i, 1) - 16),
  Q5_1: (block: Block, i: number) =>
    half(block, 0) * (nibbleOf32(block, 8, i) + 16 * bits(block, 4, i, 1)) + half(block, 2),
  Q8_0: (block: Block, i: number) => half(block, 0) * signedByte(block, 2 + i),
  Q4_K: (block: Block, i: number) => kValue(block, i, nibbleOf256(block, 16, i)),
  Q5_K: (block: Block, i: number) =>
    kValue(block, i, nibbleOf256(block, 48, i) + 16 * bits(block, 16 + (i % 32), Math.floor(i / 32), 1)),
  Q6_K: (block: Block, i: number) =>
    half(block, 208) * signedByte(block, 192 + Math.floor(i / 16)) * sixth(block, i),
};
