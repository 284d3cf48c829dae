/**
 * Arithmetic in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1 (0x11B), on four bytes in one 32-bit word. No table and no
 * branch depends on a value, so that time and cache tell nothing of a share.
 */

const LOW_BIT_OF_EACH_BYTE = 0x01010101;
const ALL_BUT_LOW_BIT = 0xfefefefe;
/** 0x11B without its leading bit: what x^8 is. */
const REDUCTION = 0x1b;

/** Multiplies each byte of `word` by the byte `scalar`. */
export const multiply = (word: number, scalar: number): number => {
  let product = 0;
  let power = word;
  for (let bit = 0; bit < 8; bit++) {
    product ^= power & -((scalar >>> bit) & 1);
    power = timesX(power);
  }
  return product;
};

/** The inverse of a non-zero byte, a^254; of 0 it gives 0. */
export const inverse = (scalar: number): number => {
  let result = 1;
  let square = scalar;
  // 254 is the sum of 2^1 to 2^7.
  for (let bit = 1; bit < 8; bit++) {
    square = multiply(square, square);
    result = multiply(result, square);
  }
  return result;
};

const timesX = (word: number): number =>
  ((word << 1) & ALL_BUT_LOW_BIT) ^ Math.imul((word >>> 7) & LOW_BIT_OF_EACH_BYTE, REDUCTION);
