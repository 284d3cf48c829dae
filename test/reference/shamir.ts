/** Shamir's sharing over GF(2^8) as a textbook has it: polynomials bit by bit, division by trying every divisor. */

/** The product of two bytes as polynomials over GF(2), modulo x^8 + x^4 + x^3 + x + 1. */
const slowMultiply = (a: number, b: number): number => {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((b & (1 << bit)) !== 0) product ^= a << bit;
  for (let bit = 15; bit >= 8; bit--) if ((product & (1 << bit)) !== 0) product ^= 0x11b << (bit - 8);
  return product;
};

/** The value at x of the polynomial with these coefficients, the constant first. */
export const slowValueAt = (x: number, coefficients: readonly number[]): number => {
  let power = 1;
  let value = 0;
  for (const coefficient of coefficients) {
    value ^= slowMultiply(coefficient, power);
    power = slowMultiply(power, x);
  }
  return value;
};

/** The value at 0 of the polynomial of lowest degree through the points. */
export const slowValueAtZero = (points: readonly { readonly x: number; readonly y: number }[]): number =>
  points.reduce((sum, { x, y }) => {
    const weight = points
      .filter((other) => other.x !== x)
      .reduce((product, other) => slowMultiply(product, slowDivide(other.x, other.x ^ x)), 1);
    return sum ^ slowMultiply(y, weight);
  }, 0);

const slowDivide = (a: number, b: number): number => {
  const quotient = Array.from({ length: 256 }, (_, q) => q).find((q) => slowMultiply(q, b) === a);
  if (quotient === undefined) throw new Error("division by zero");
  return quotient;
};
