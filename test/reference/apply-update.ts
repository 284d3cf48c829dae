/** The update rule in exact integers: a float is an integer times 2⁻¹⁴⁹, and rounding to 32 bits is done on digits. */

export const applyUpdateInRationals = (
  model: Float32Array,
  mean: Float32Array,
  serverStep: number,
): Float32Array => {
  const step = exactly(Math.fround(serverStep));
  return Float32Array.from(model, (value, i) => {
    const product = rounded(step * exactly(mean[i]!), 2 * UNIT);
    if (!Number.isFinite(product)) return Math.fround(value + product);
    return rounded(exactly(value) + exactly(product), UNIT);
  });
};

/** Each finite 32-bit float is a whole number of 2⁻¹⁴⁹. */
const UNIT = 149;

const exactly = (value: number): bigint => {
  const bits = new DataView(new ArrayBuffer(4));
  bits.setFloat32(0, value);
  const word = bits.getUint32(0);
  const [exponent, fraction] = [(word >>> 23) & 255, word & 0x7fffff];
  const size = exponent === 0 ? BigInt(fraction) : BigInt(fraction | 0x800000) << BigInt(exponent - 1);
  return word >>> 31 === 0 ? size : -size;
};

/** The 32-bit float next to `value` · 2^−unit; of two that are as near, the even one (IEEE 754, section 4.3.1). */
const rounded = (value: bigint, unit: number): number => {
  const size = value < 0n ? -value : value;
  // Digits below 24 leading ones, and those below 2⁻¹⁴⁹, are rounded away.
  const dropped = Math.max(size.toString(2).length - 24, unit - UNIT);
  if (dropped <= 0) return Number(value) * 2 ** -unit;
  const [whole, rest] = [size >> BigInt(dropped), size & ((1n << BigInt(dropped)) - 1n)];
  const half = 1n << BigInt(dropped - 1);
  const up = rest > half || (rest === half && (whole & 1n) === 1n);
  // Beyond the largest float a 64-bit number goes on; the conversion to 32 bits then gives infinity.
  const result = Number(up ? whole + 1n : whole) * 2 ** (dropped - unit);
  return Math.fround(value < 0n ? -result : result);
};
