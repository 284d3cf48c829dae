/** Floats of sixteen bits spelled out: what their bits mean, and the nearest of them by looking at both neighbours. */

const read = (bits: number, exponentBits: number, fractionBits: number): number => {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1);
  const fraction = bits & (2 ** fractionBits - 1);
  const bias = 2 ** (exponentBits - 1) - 1;
  if (exponent === 2 ** exponentBits - 1)
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction * 2 ** -fractionBits) * 2 ** (exponent - bias);
};

export const halfToFloat = (bits: number): number => read(bits, 5, 10);
export const bfloatToFloat = (bits: number): number => read(bits, 8, 7);

/** Bisection over the bits of the positive ones, which are in the order of their values. */
const nearest = (value: number, widen: (bits: number) => number, infinity: number, nan: number): number => {
  if (Number.isNaN(value)) return nan;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  let [low, high] = [0, infinity];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (widen(middle) <= size) low = middle;
    else high = middle;
  }
  if (size === Number.POSITIVE_INFINITY) return sign | infinity;
  // Infinity stands one step above the largest, as if the exponents went on.
  const above = high === infinity ? 2 * widen(low) - widen(low - 1) : widen(high);
  const [toLow, toHigh] = [size - widen(low), above - size];
  return sign | (toLow < toHigh || (toLow === toHigh && low % 2 === 0) ? low : high);
};

export const floatToHalf = (value: number): number => nearest(value, halfToFloat, 0x7c00, 0x7e00);
export const floatToBfloat = (value: number): number => nearest(value, bfloatToFloat, 0x7f80, 0x7fc0);
