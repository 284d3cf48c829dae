import {
  clipFactor,
  decodeSum,
  defaultRange,
  encodeScalars,
  type LaneBits,
  largestQuantum,
  mostWeightClasses,
  payloadLaneCount,
  planProblem,
  type QuantisePlan,
  quantiseSpec,
  weightScalar,
} from "@bulkhead/secagg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowDecode } from "../reference/quantise.ts";

const plan = (laneBits: LaneBits, members: number): QuantisePlan => ({
  laneBits,
  members,
  tensors: [
    { name: "a", length: 3, range: 0.7 },
    { name: "b", length: 2, range: 4 },
  ],
  scalars: [weightScalar(8), { name: "loss", least: 0, most: 5_000, resolution: 2 ** -8 }],
  weightClasses: 8,
});

/** The payload of a sum: lanes in little-endian bytes. */
const payload = (laneBits: LaneBits, lanes: readonly number[]): Uint8Array => {
  const view = new DataView(new ArrayBuffer((lanes.length * laneBits) / 8));
  for (const [i, lane] of lanes.entries())
    if (laneBits === 16) view.setUint16(2 * i, lane, true);
    else view.setUint32(4 * i, lane, true);
  return new Uint8Array(view.buffer);
};

describe("the largest quantum", () => {
  /** The table of protocol.md 2.4. */
  test.each([
    [4, 8_191],
    [10, 3_276],
    [16, 2_047],
    [32, 1_023],
    [64, 511],
    [100, 327],
    [128, 255],
    [255, 128],
    [1_000, 32],
  ])("of %i members in 16 bits is %i", (members, quantum) => {
    expect(largestQuantum(16, members)).toBe(quantum);
  });

  test("never overflows a lane in the sum over the roster, and is the largest that does not", () => {
    for (const laneBits of [16, 32] as const)
      for (let members = 1; members <= 255; members++) {
        const quantum = largestQuantum(laneBits, members);
        expect(members * quantum).toBeLessThanOrEqual(2 ** (laneBits - 1) - 1);
        expect(members * (quantum + 1)).toBeGreaterThan(2 ** (laneBits - 1) - 1);
      }
  });
});

test("the default range is eight times the even share of the norm, and the norm at most", () => {
  expect(defaultRange(4, 1)).toBe(4);
  expect(defaultRange(4, 64)).toBe(4);
  expect(defaultRange(4, 256)).toBe(2);
  expect(defaultRange(2, 1_000_000)).toBe(0.016);
});

test("an update is scaled down to the clip norm, and never up", () => {
  expect(clipFactor(8, 4)).toBe(0.5);
  expect(clipFactor(4, 4)).toBe(1);
  expect(clipFactor(0, 4)).toBe(1);
});

test("the engine is told the quantum and each tensor's scale", () => {
  expect(quantiseSpec(plan(16, 10))).toEqual({
    largestQuantum: 3_276,
    tensors: [
      { length: 3, scale: 3_276 / 0.7 },
      { length: 2, scale: 819 },
    ],
  });
});

describe("a sum", () => {
  const sixteen = plan(16, 10);
  const digits = encodeScalars(sixteen, { weight: 6, loss: 2.5 });

  test("decodes to the weighted mean and the sums of the scalars", () => {
    const lanes = [3_276, -3_276, 1, 819, 0, ...digits];
    const decoded = decodeSum(sixteen, payload(16, lanes), 2);
    const weight = 6 / 8;
    expect(decoded).toEqual({
      mean: Float32Array.from([0.7 / weight, -0.7 / weight, 0.7 / 3_276 / weight, 1 / weight, 0]),
      scalars: { weight: 6, loss: 2.5 },
    });
  });

  test("decodes to the same bits as the slow twin", () => {
    const runs = fc.record({
      laneBits: fc.constantFrom(16 as const, 32 as const),
      members: fc.integer({ min: 3, max: 255 }),
      parts: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
      weight: fc.integer({ min: 3, max: 24 }),
      loss: fc.integer({ min: 0, max: 15_000 }),
    });
    fc.assert(
      fc.property(runs, ({ laneBits, members, parts, weight, loss }) => {
        const given = plan(laneBits, members);
        const bound = 3 * largestQuantum(laneBits, members);
        const quanta = parts.map((part) => Math.round(part * bound));
        // Three members' scalars: lanes add up without a carry, as digits do.
        const scalars = [0, 1, 2].map((i) =>
          encodeScalars(given, { weight: Math.floor((weight + i) / 3), loss: Math.floor((loss + i) / 3) }),
        );
        const sums = scalars[0]!.map((lane, i) => lane + scalars[1]![i]! + scalars[2]![i]!);
        const lanes = [...quanta, ...sums];
        const wanted = slowDecode(
          given,
          lanes.map((lane) => BigInt.asUintN(laneBits, BigInt(lane))),
          3,
        );
        const decoded = decodeSum(given, payload(laneBits, lanes), 3);
        expect(decoded).toEqual({ mean: Float32Array.from(wanted.mean), scalars: wanted.scalars });
        expect(decoded?.scalars).toEqual({ weight, loss });
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  test("with every member at either end does not overflow", () => {
    for (const laneBits of [16, 32] as const)
      for (const members of [3, 10, 64, 255]) {
        const given = plan(laneBits, members);
        const end = members * largestQuantum(laneBits, members);
        const one = encodeScalars(given, { weight: 8, loss: 5_000 });
        const lanes = [end, -end, end, end, -end, ...one.map((lane) => members * lane)];
        const decoded = decodeSum(given, payload(laneBits, lanes), members);
        expect(decoded?.mean).toEqual(Float32Array.of(0.7, -0.7, 0.7, 4, -4));
        expect(decoded?.scalars).toEqual({ weight: 8 * members, loss: 5_000 * members });
      }
  });

  test("that so many contributors cannot have sent is refused", () => {
    const good = [3_276 * 2, -3_276 * 2, 0, 0, 0, ...digits];
    expect(decodeSum(sixteen, payload(16, good), 2)).toBeDefined();
    expect(decodeSum(sixteen, payload(16, good.with(0, 3_276 * 2 + 1)), 2)).toBeUndefined();
    expect(decodeSum(sixteen, payload(16, good.with(1, -3_276 * 2 - 1)), 2)).toBeUndefined();
    // Weights: from one to eight for each.
    expect(decodeSum(sixteen, payload(16, good.with(5, 1)), 2)).toBeUndefined();
    expect(decodeSum(sixteen, payload(16, good.with(5, 2)), 2)).toBeDefined();
    expect(decodeSum(sixteen, payload(16, good.with(5, 16)), 2)).toBeDefined();
    expect(decodeSum(sixteen, payload(16, good.with(5, 17)), 2)).toBeUndefined();
  });

  test("of another length, or of no contributor, throws", () => {
    const lanes = [0, 0, 0, 0, 0, ...digits];
    expect(payloadLaneCount(sixteen)).toBe(lanes.length);
    expect(() => decodeSum(sixteen, payload(16, [...lanes, 0]), 2)).toThrow("broken invariant");
    expect(() => decodeSum(sixteen, payload(16, lanes), 0)).toThrow("broken invariant");
    expect(() => decodeSum(sixteen, payload(16, lanes), 11)).toThrow("broken invariant");
  });
});

describe("a plan", () => {
  const good = plan(16, 10);
  const tensor = good.tensors[0]!;

  test("in order has no problem", () => {
    expect(planProblem(good)).toBeUndefined();
    expect(planProblem({ ...plan(32, 255) })).toBeUndefined();
  });

  test.each<[string, Partial<QuantisePlan>]>([
    ["1 to 255 members", { members: 0 }],
    ["1 to 255 members", { members: 256 }],
    ["weight classes", { weightClasses: 0 }],
    ["1 to 32 weight classes", { weightClasses: 33, scalars: [weightScalar(33)] }],
    ["no tensor", { tensors: [] }],
    ["two tensors", { tensors: [tensor, tensor] }],
    ["tensor a has no coordinates", { tensors: [{ ...tensor, length: 0 }] }],
    ["tensor a has no coordinates", { tensors: [{ ...tensor, length: 1.5 }] }],
    ["tensor a has no range", { tensors: [{ ...tensor, range: 0 }] }],
    ["tensor a has no range", { tensors: [{ ...tensor, range: Number.NaN }] }],
    ["tensor a has no range", { tensors: [{ ...tensor, range: Number.POSITIVE_INFINITY }] }],
    ["tensor a has no range", { tensors: [{ ...tensor, range: 1e-320 }] }],
    ['no scalar "weight"', { scalars: [] }],
    ['no scalar "weight" from 0 to 8', { scalars: [weightScalar(7)] }],
    ["two scalars", { scalars: [weightScalar(8), weightScalar(8)] }],
  ])("is refused: %s", (problem, change) => {
    const wrong = { ...good, ...change };
    expect(planProblem(wrong)).toContain(problem);
    expect(() => quantiseSpec(wrong)).toThrow("broken invariant");
  });

  test("in 32 bits takes more weight classes", () => {
    expect(planProblem({ ...plan(32, 10), weightClasses: 33, scalars: [weightScalar(33)] })).toBeUndefined();
    expect(mostWeightClasses(16)).toBe(32);
  });
});
