/** Blocks of 32 quantised values as GGML lays them out, to floats: a scale in F16, perhaps an offset, then the values. */
import { halfValues } from "./half-floats.ts";

/** Whole blocks become their values; what a product or sum here rounds, it rounds once and as 32-bit floats do. */
export type Dequantise = (bytes: Uint8Array, values: Float32Array) => void;

export const Q4_0: Dequantise = (bytes, values) => {
  const half = halfValues();
  for (let at = 0, to = 0; to < values.length; at += 18, to += 32) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 2 + i]!;
      values[to + i] = scale * ((pair & 15) - 8);
      values[to + 16 + i] = scale * ((pair >> 4) - 8);
    }
  }
};

export const Q4_1: Dequantise = (bytes, values) => {
  const half = halfValues();
  for (let at = 0, to = 0; to < values.length; at += 20, to += 32) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    const least = half[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 4 + i]!;
      values[to + i] = scale * (pair & 15) + least;
      values[to + 16 + i] = scale * (pair >> 4) + least;
    }
  }
};

export const Q5_0: Dequantise = (bytes, values) => {
  const half = halfValues();
  for (let at = 0, to = 0; to < values.length; at += 22, to += 32) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    const [low, high] = [fifthBits(bytes, at + 2), fifthBits(bytes, at + 4)];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 6 + i]!;
      values[to + i] = scale * (((pair & 15) | (((low >> i) & 1) << 4)) - 16);
      values[to + 16 + i] = scale * (((pair >> 4) | (((high >> i) & 1) << 4)) - 16);
    }
  }
};

export const Q5_1: Dequantise = (bytes, values) => {
  const half = halfValues();
  for (let at = 0, to = 0; to < values.length; at += 24, to += 32) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    const least = half[bytes[at + 2]! | (bytes[at + 3]! << 8)]!;
    const [low, high] = [fifthBits(bytes, at + 4), fifthBits(bytes, at + 6)];
    for (let i = 0; i < 16; i++) {
      const pair = bytes[at + 8 + i]!;
      values[to + i] = scale * ((pair & 15) | (((low >> i) & 1) << 4)) + least;
      values[to + 16 + i] = scale * ((pair >> 4) | (((high >> i) & 1) << 4)) + least;
    }
  }
};

const fifthBits = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

export const Q8_0: Dequantise = (bytes, values) => {
  const half = halfValues();
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0, to = 0; to < values.length; at += 34, to += 32) {
    const scale = half[bytes[at]! | (bytes[at + 1]! << 8)]!;
    for (let i = 0; i < 32; i++) values[to + i] = scale * signed[at + 2 + i]!;
  }
};
