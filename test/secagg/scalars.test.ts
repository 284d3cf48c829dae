import {
  decodeScalars,
  digitBase,
  digitLaneCount,
  encodeScalars,
  type LaneBits,
  scalarProblem,
  type ScalarPlan,
  type ScalarSpec,
} from "@bulkhead/secagg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const EXAMPLES: ScalarSpec = { name: "examples", least: 0, most: 1_000_000, resolution: 1 };
const LOSS: ScalarSpec = { name: "loss", least: -4, most: 60_000, resolution: 2 ** -10 };
const CLIPPED: ScalarSpec = { name: "clipped", least: 0, most: 1, resolution: 1 };

const plan = (laneBits: LaneBits, members: number, scalars = [EXAMPLES, LOSS, CLIPPED]): ScalarPlan => ({
  laneBits,
  members,
  scalars,
});

describe("the base of the digits", () => {
  test.each([
    [16, 3, 16_384],
    [16, 10, 4_096],
    [16, 255, 256],
    [16, 1, 32_768],
    [32, 3, 2 ** 30],
    [32, 255, 2 ** 24],
  ] as const)("is for %i bits and %i members %i", (laneBits, members, base) => {
    expect(digitBase(laneBits, members)).toBe(base);
  });

  test("is the largest power of two of which a whole roster's digits fit a lane", () => {
    for (const laneBits of [16, 32] as const)
      for (let members = 1; members <= 255; members++) {
        const base = digitBase(laneBits, members);
        expect(members * (base - 1)).toBeLessThan(2 ** laneBits);
        expect(base * members).toBeLessThan(2 ** laneBits);
        expect(2 * base * members).toBeGreaterThanOrEqual(2 ** laneBits);
      }
  });
});

/** Adds as lanes do. */
const sumLanes = (laneBits: LaneBits, vectors: readonly Uint32Array[]): Uint32Array =>
  vectors[0]!.map((_, i) => vectors.reduce((sum, lanes) => (sum + lanes[i]!) % 2 ** laneBits, 0));

test("digits of any members' numbers recombine to the sum of the numbers, to the last step", () => {
  const runs = fc.record({
    laneBits: fc.constantFrom(16 as const, 32 as const),
    roster: fc.integer({ min: 1, max: 255 }),
    values: fc.array(
      fc.record({
        examples: fc.integer({ min: 0, max: 1_000_000 }),
        loss: fc.integer({ min: -4 * 1_024, max: 60_000 * 1_024 }).map((steps) => steps / 1_024),
        clipped: fc.constantFrom(0, 1),
      }),
      { minLength: 1, maxLength: 30 },
    ),
  });
  fc.assert(
    fc.property(runs, ({ laneBits, roster, values }) => {
      const given = plan(laneBits, Math.max(roster, values.length));
      const lanes = sumLanes(
        laneBits,
        values.map((value) => encodeScalars(given, value)),
      );
      const sum = (name: "examples" | "loss" | "clipped") =>
        values.reduce((total, value) => total + value[name], 0);
      // Multiples of 2^-10 below 2^40 are added exactly.
      expect(decodeScalars(given, lanes, values.length)).toEqual({
        examples: sum("examples"),
        loss: sum("loss"),
        clipped: sum("clipped"),
      });
    }),
    { numRuns: 200, seed: 1 },
  );
});

test("the largest numbers of the largest roster do not overflow, up to 2^53", () => {
  for (const laneBits of [16, 32] as const) {
    const most = Math.floor(Number.MAX_SAFE_INTEGER / 255);
    const given = plan(laneBits, 255, [{ name: "huge", least: 0, most, resolution: 1 }]);
    expect(scalarProblem(given)).toBeUndefined();
    const one = encodeScalars(given, { huge: most });
    const lanes = sumLanes(
      laneBits,
      Array.from({ length: 255 }, () => one),
    );
    expect(decodeScalars(given, lanes, 255)).toEqual({ huge: 255 * most });
  }
});

test("a number is rounded to its resolution, and beyond its range counts as its end", () => {
  const given = plan(16, 5);
  const rounded = (values: Readonly<Record<string, number>>) =>
    decodeScalars(given, encodeScalars(given, values), 1);
  expect(rounded({ examples: 12.4, loss: 0.333, clipped: 0 })).toEqual({
    examples: 12,
    loss: 341 / 1_024,
    clipped: 0,
  });
  expect(rounded({ examples: 1e9, loss: -1e9, clipped: Number.POSITIVE_INFINITY })).toEqual({
    examples: 1_000_000,
    loss: -4,
    clipped: 1,
  });
});

test("a number has as many lanes as digits, lowest first", () => {
  const given = plan(16, 255, [
    { name: "a", least: 0, most: 255, resolution: 1 },
    { name: "b", least: 0, most: 256, resolution: 1 },
    { name: "c", least: 10, most: 20, resolution: 0.5 },
  ]);
  expect(digitLaneCount(given)).toBe(4);
  expect(encodeScalars(given, { a: 255, b: 256, c: 11 })).toEqual(Uint32Array.of(255, 0, 1, 2));
});

test("a value that is missing, unknown or no number throws", () => {
  const given = plan(16, 5);
  expect(() => encodeScalars(given, { examples: 1, loss: 1 })).toThrow("broken invariant");
  expect(() => encodeScalars(given, { examples: 1, loss: 1, clipped: 1, more: 1 })).toThrow(
    "broken invariant",
  );
  expect(() => encodeScalars(given, { examples: 1, loss: 1, more: 1 })).toThrow("scalar clipped");
  expect(() => encodeScalars(given, { examples: 1, loss: Number.NaN, clipped: 1 })).toThrow("scalar loss");
});

test("sums that so many contributors cannot have sent are refused", () => {
  const given = plan(16, 10);
  const one = encodeScalars(given, { examples: 1_000_000, loss: 60_000, clipped: 1 });
  const three = one.map((digit) => 3 * digit);
  expect(decodeScalars(given, three, 3)).toEqual({ examples: 3_000_000, loss: 180_000, clipped: 3 });
  expect(decodeScalars(given, three, 2)).toBeUndefined();
  // A digit above three times the base less one, though the number would be in range.
  expect(decodeScalars(given, three.with(0, 3 * 4_095 + 1).with(1, 0), 3)).toBeUndefined();
  expect(decodeScalars(given, new Uint32Array(three.length).fill(65_535), 10)).toBeUndefined();
  expect(() => decodeScalars(given, three.subarray(1), 3)).toThrow("broken invariant");
});

test.each([
  ["two of one name", [CLIPPED, CLIPPED], "two scalars have one name"],
  ["no range", [{ ...LOSS, most: -4 }], "no range"],
  ["an infinite range", [{ ...LOSS, most: Number.POSITIVE_INFINITY }], "resolution"],
  ["no lower end", [{ ...LOSS, least: Number.NEGATIVE_INFINITY }], "no range"],
  ["NaN", [{ ...LOSS, most: Number.NaN }], "no range"],
  ["no resolution", [{ ...LOSS, resolution: 0 }], "no range"],
  ["a resolution wider than the range", [{ ...CLIPPED, resolution: 3 }], "resolution"],
  ["more steps than can be summed exactly", [{ ...CLIPPED, most: 2 ** 51 }], "resolution"],
])("a plan with %s is refused", (_name, scalars, problem) => {
  const given = plan(16, 10, scalars);
  expect(scalarProblem(given)).toContain(problem);
  expect(() => encodeScalars(given, {})).toThrow("broken invariant");
});
