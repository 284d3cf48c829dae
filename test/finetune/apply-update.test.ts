import { applyUpdate } from "@bulkhead/finetune";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyUpdateInRationals } from "../reference/apply-update.ts";

const vector = (length: number) =>
  fc.float32Array({ minLength: length, maxLength: length, noNaN: true, noDefaultInfinity: true });

const vectorPairs = fc
  .integer({ min: 0, max: 20 })
  .chain((length) => fc.tuple(vector(length), vector(length)));

test("the next model is the exact product and sum, each rounded once to 32 bits", () => {
  fc.assert(
    fc.property(vectorPairs, fc.float({ noNaN: true, min: -8, max: 8 }), ([model, mean], serverStep) => {
      const next = applyUpdate(model, mean, { type: "fedavg", serverStep });
      // The twin's integers have one zero: + 0 makes of −0 the other one.
      const plain = (values: Float32Array) => Array.from(values, (value) => value + 0);
      expect(plain(next)).toEqual(plain(applyUpdateInRationals(model, mean, serverStep)));
    }),
    { numRuns: 300 },
  );
});

test.each([
  // 1 + 2⁻²⁴ lies half between two floats and goes to the even one; a bit more goes up.
  [1, 2 ** -24, 1, 1],
  [1, 2 ** -24 * 1.0001, 1, 1 + 2 ** -23],
  // The product is rounded before the sum: 0.1 · 3 in 32 bits is not 0.3.
  [0, Math.fround(0.1), 3, Math.fround(3 * Math.fround(0.1))],
  // The step itself is a 32-bit number.
  [0, 1, 0.1, Math.fround(0.1)],
  [1e38, 3e38, 1, Number.POSITIVE_INFINITY],
  [2 ** -149, -(2 ** -149), 1, 0],
])("%f plus %f · step %f is %f", (model, mean, serverStep, next) => {
  const got = applyUpdate(Float32Array.of(model), Float32Array.of(mean), { type: "fedavg", serverStep });
  expect(got[0]).toBe(Math.fround(next));
});

test("the arguments stay as they are, and the result is memory of its own", () => {
  const [model, mean] = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
  const next = applyUpdate(model, mean, { type: "fedavg", serverStep: 1 });
  expect([...model, ...mean]).toEqual([1, 2, 3, 4]);
  expect([...next]).toEqual([4, 6]);
  expect(next.buffer).not.toBe(model.buffer);
});

test("an update of another length is a bug, not an answer", () => {
  const apply = () =>
    applyUpdate(new Float32Array(2), new Float32Array(3), { type: "fedavg", serverStep: 1 });
  expect(apply).toThrow("as long as its model");
});
