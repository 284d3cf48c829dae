/** Just enough of GGUF v3 to read the SmolLM2 file as the format's text says it: F32, Q4_1 and Q8_0, all in memory. */

export interface PlainTensor {
  readonly shape: readonly number[];
  readonly values: () => Float32Array;
}

export const readPlainGguf = (file: Buffer): ReadonlyMap<string, PlainTensor> => {
  let at = 8;
  const u32 = () => file.readUInt32LE((at += 4) - 4);
  const u64 = () => Number(file.readBigUInt64LE((at += 8) - 8));
  const text = () => {
    const length = u64();
    return file.toString("utf8", at, (at += length));
  };
  /** Bytes of the scalar types, by number. */
  const sizes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
  const skip = (type: number): void => {
    if (type === 8) text();
    else if (type === 9) {
      const inner = u32();
      for (let left = u64(); left > 0; left--) skip(inner);
    } else at += sizes[type]!;
  };
  const tensors = u64();
  for (let left = u64(); left > 0; left--) {
    text();
    skip(u32());
  }
  const entries = Array.from({ length: tensors }, () => {
    const name = text();
    const shape = Array.from({ length: u32() }, u64).toReversed();
    return { name, shape, type: u32(), offset: u64() };
  });
  const start = Math.ceil(at / 32) * 32;
  return new Map(
    entries.map(({ name, shape, type, offset }) => {
      const count = shape.reduce((size, side) => size * side, 1);
      return [name, { shape, values: () => dequantised(file.subarray(start + offset), type, count) }];
    }),
  );
};

const dequantised = (bytes: Buffer, type: number, count: number): Float32Array => {
  const values = new Float32Array(count);
  if (type === 0) for (let i = 0; i < count; i++) values[i] = bytes.readFloatLE(4 * i);
  else if (type === 3)
    for (let block = 0; block < count / 32; block++) {
      const from = 20 * block;
      const [scale, least] = [half(bytes.readUInt16LE(from)), half(bytes.readUInt16LE(from + 2))];
      for (let i = 0; i < 16; i++) {
        const pair = bytes[from + 4 + i]!;
        values[32 * block + i] = Math.fround(Math.fround(scale * (pair & 15)) + least);
        values[32 * block + 16 + i] = Math.fround(Math.fround(scale * (pair >> 4)) + least);
      }
    }
  else if (type === 8)
    for (let i = 0; i < count; i++) {
      const from = 34 * Math.floor(i / 32);
      values[i] = half(bytes.readUInt16LE(from)) * bytes.readInt8(from + 2 + (i % 32));
    }
  else throw new Error(`type ${type}`);
  return values;
};

const half = (bits: number): number => {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
};

/** Llama's rows of query and key stand in pairs in GGUF, in halves elsewhere. */
export const inHalves = (
  values: Float32Array,
  heads: number,
  [rows, width]: readonly number[],
): Float32Array => {
  const headWidth = rows! / heads;
  const result = new Float32Array(values.length);
  for (let row = 0; row < rows!; row++) {
    const [head, place] = [Math.floor(row / headWidth), row % headWidth];
    const from = head * headWidth + 2 * (place % (headWidth / 2)) + Math.floor(place / (headWidth / 2));
    result.set(values.subarray(from * width!, (from + 1) * width!), row * width!);
  }
  return result;
};
