/** The update rules in exact integers: a float is an integer times 2⁻¹⁴⁹, and rounding to 32 bits is done on digits. */
import type { ServerModel, UpdateRule } from "@bulkhead/finetune";

export const applyUpdateInRationals = (
  { flat, memory }: ServerModel,
  mean: Float32Array,
  rule: UpdateRule,
): ServerModel => {
  const values = Array.from(flat, (value, i) =>
    nextValue({ value, memory: memory.map((vector) => vector[i]!), mean: mean[i]! }, rule),
  );
  return {
    flat: Float32Array.from(values, ({ value }) => value),
    memory: memory.map((_, which) => Float32Array.from(values, (each) => each.memory[which]!)),
  };
};

interface Coordinate {
  readonly value: number;
  readonly memory: readonly number[];
}

const nextValue = (
  { value, memory: [first = 0, second = 0], mean }: Coordinate & { readonly mean: number },
  rule: UpdateRule,
): Coordinate => {
  const step = Math.fround(rule.serverStep);
  if (rule.type === "fedavg") return { value: plus(value, times(step, mean)), memory: [] };
  if (rule.type === "fedavgm") {
    const momentum = plus(times(Math.fround(rule.momentum), first), mean);
    return { value: plus(value, times(step, momentum)), memory: [momentum] };
  }
  const [beta1, beta2] = [Math.fround(rule.beta1), Math.fround(rule.beta2)];
  const [rest1, rest2] = [Math.fround(1 - rule.beta1), Math.fround(1 - rule.beta2)];
  const m = plus(times(beta1, first), times(rest1, mean));
  const square = times(mean, mean);
  const part = times(rest2, square);
  const towards = second > square ? -part : second < square ? part : 0;
  const v = rule.type === "fedadam" ? plus(times(beta2, second), part) : plus(second, towards);
  const scale = plus(root(v), Math.fround(rule.tau));
  return { value: plus(value, over(times(step, m), scale)), memory: [m, v] };
};

const times = (a: number, b: number): number => rounded(exactly(a) * exactly(b), 2 * UNIT);

const plus = (a: number, b: number): number =>
  Number.isFinite(b) ? rounded(exactly(a) + exactly(b), UNIT) : Math.fround(a + b);

/** More binary places than any float has; a last digit says whether there would be more. */
const PLACES = 400;
const inexact = (whole: bigint, isExact: boolean): bigint => 2n * whole + (isExact ? 0n : 1n);

const over = (a: number, b: number): number => {
  const [dividend, divisor] = [exactly(a) << BigInt(PLACES), exactly(b)];
  const size = dividend < 0n ? -dividend : dividend;
  const quotient = inexact(size / divisor, size % divisor === 0n);
  return rounded(dividend < 0n ? -quotient : quotient, PLACES + 1);
};

const root = (value: number): number => {
  const square = exactly(value) << BigInt(2 * PLACES + 1);
  const whole = integerRoot(square);
  return rounded(inexact(whole, whole * whole === square), PLACES + (UNIT + 1) / 2 + 1);
};

/** Newton's method, from above. */
const integerRoot = (square: bigint): bigint => {
  if (square === 0n) return 0n;
  for (let guess = 1n << BigInt(Math.ceil(square.toString(2).length / 2)); ;) {
    const next = (guess + square / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
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
