/** GGML's K-quants to floats: blocks of 256 values whose parts of 16 or 32 have quantised scales of their own. */
import type { Dequantise } from "./dequantise.ts";
import { halfValues } from "./half-floats.ts";

/** Eight scales and eight minima of six bits stand in twelve bytes: the upper bits of the last four above the first. */
const sixBits = (bytes: Uint8Array, at: number, part: number): number =>
  part < 4 ? bytes[at + part]! & 63 : (bytes[at + part + 4]! & 15) | ((bytes[at + part - 4]! >> 6) << 4);

const sixBitsOfMinimum = (bytes: Uint8Array, at: number, part: number): number =>
  part < 4 ? bytes[at + part + 4]! & 63 : (bytes[at + part + 4]! >> 4) | ((bytes[at + part]! >> 6) << 4);

export const Q4_K: Dequantise = (bytes, values) => {
  const half = halfValues();
  for (let at = 0, to = 0; to < values.length; at += 144, to += 256) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    const minimum = half[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
    for (let part = 0; part < 8; part++) {
      const step = scale * sixBits(bytes, at + 4, part);
      const least = minimum * sixBitsOfMinimum(bytes, at + 4, part);
      const [from, shift] = [at + 16 + 32 * (part >> 1), 4 * (part & 1)];
      const start = to + 32 * part;
      for (let i = 0; i < 32; i++) values[start + i] = step * ((bytes[from + i]! >> shift) & 15) - least;
    }
  }
};

export const Q5_K: Dequantise = (bytes, values) => {
  const half = halfValues();
  for (let at = 0, to = 0; to < values.length; at += 176, to += 256) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    const minimum = half[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
    for (let part = 0; part < 8; part++) {
      const step = scale * sixBits(bytes, at + 4, part);
      const least = minimum * sixBitsOfMinimum(bytes, at + 4, part);
      const [from, shift] = [at + 48 + 32 * (part >> 1), 4 * (part & 1)];
      const start = to + 32 * part;
      for (let i = 0; i < 32; i++) {
        const fifth = ((bytes[at + 16 + i]! >> part) & 1) << 4;
        values[start + i] = step * (((bytes[from + i]! >> shift) & 15) | fifth) - least;
      }
    }
  }
};

export const Q6_K: Dequantise = (bytes, values) => {
  const half = halfValues();
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, to = 0; to < values.length; at += 210, to += 256) {
    const scale = half[bytes[at + 208]! | (bytes[at + 209]! << 8)]!;
    for (let part = 0; part < 16; part++) {
      const step = scale * signed[at + 192 + part]!;
      // Of each half, 64 bytes have the lower bits: first those of its first 64 values, then those of the others.
      const [side, within] = [part >> 3, 16 * (part & 7)];
      const low = at + 64 * side + (within & 63);
      const high = at + 128 + 32 * side + (within & 31);
      const [lowShift, highShift] = [4 * (within >> 6), 2 * (within >> 5)];
      const start = to + 16 * part;
      for (let i = 0; i < 16; i++) {
        const bits = ((bytes[low + i]! >> lowShift) & 15) | (((bytes[high + i]! >> highShift) & 3) << 4);
        values[start + i] = step * (bits - 32);
      }
    }
  }
};
