import {
  applyUpdate,
  freshMemory,
  memoryTensors,
  type ServerModel,
  type UpdateRule,
} from "@bulkhead/finetune";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyUpdateInRationals } from "../reference/apply-update.ts";

const LENGTH = 5;
const vector = (limits: { readonly min?: number; readonly max?: number }) =>
  fc.float32Array({ minLength: LENGTH, maxLength: LENGTH, noNaN: true, noDefaultInfinity: true, ...limits });

/** The twin's integers have one zero: + 0 makes of −0 the other one. */
const plain = ({ flat, memory }: ServerModel) =>
  [flat, ...memory].map((values) => Array.from(values, (value) => value + 0));

const average = (serverStep: number): UpdateRule => ({ type: "fedavg", serverStep });
const without = (flat: Float32Array): ServerModel => ({ flat, memory: [] });

test("the next model is the exact product and sum, each rounded once to 32 bits", () => {
  fc.assert(
    fc.property(
      vector({}),
      vector({}),
      fc.float({ noNaN: true, min: -8, max: 8 }),
      (flat, mean, serverStep) => {
        const next = applyUpdate(without(flat), mean, average(serverStep));
        expect(plain(next)).toEqual(plain(applyUpdateInRationals(without(flat), mean, average(serverStep))));
      },
    ),
    { numRuns: 100 },
  );
});

const share = fc.double({ min: 0, max: 0.9999, noNaN: true });
const serverStep = fc.double({ min: 0, max: 10, noNaN: true });
const adaptive = {
  serverStep,
  beta1: share,
  beta2: share,
  tau: fc.double({ min: 1e-6, max: 1, noNaN: true }),
};
const rules: fc.Arbitrary<UpdateRule> = fc.oneof(
  fc.record({ type: fc.constant("fedavgm" as const), serverStep, momentum: share }),
  fc.record({ type: fc.constant("fedadam" as const), ...adaptive }),
  fc.record({ type: fc.constant("fedyogi" as const), ...adaptive }),
);

test("rules with a memory are exact in each step of arithmetic too, over several rounds", () => {
  fc.assert(
    fc.property(
      rules,
      vector({ min: -100, max: 100 }),
      fc.array(vector({ min: -100, max: 100 }), { minLength: 1, maxLength: 4 }),
      (rule, flat, means) => {
        let model: ServerModel = { flat, memory: freshMemory(rule, LENGTH) };
        for (const mean of means) {
          const next = applyUpdate(model, mean, rule);
          expect(plain(next)).toEqual(plain(applyUpdateInRationals(model, mean, rule)));
          model = next;
        }
      },
    ),
    { numRuns: 100 },
  );
});

const close = (values: Float32Array, expected: readonly number[]): void => {
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
};

test("the rules are those of the papers", () => {
  const mean = Float32Array.of(1, -2);
  const [zero, next] = [Float32Array.of(0, 0), Float32Array.of(0.5, 3)];
  const momentum = { type: "fedavgm", serverStep: 0.5, momentum: 0.9 } as const;
  const once = applyUpdate({ flat: zero, memory: freshMemory(momentum, 2) }, mean, momentum);
  close(once.flat, [0.5, -1]);
  const twice = applyUpdate(once, next, momentum);
  close(twice.memory[0]!, [0.9 + 0.5, -1.8 + 3]);
  close(twice.flat, [0.5 + 0.7, -1 + 0.6]);

  const adam = { type: "fedadam", serverStep: 0.1, beta1: 0.9, beta2: 0.99, tau: 0.01 } as const;
  const first = applyUpdate({ flat: zero, memory: freshMemory(adam, 2) }, mean, adam);
  // v starts at τ², and neither moment is corrected.
  const v = [0.99 * 1e-4 + 0.01 * 1, 0.99 * 1e-4 + 0.01 * 4];
  close(first.memory[1]!, v);
  close(first.flat, [(0.1 * 0.1) / (Math.sqrt(v[0]!) + 0.01), (0.1 * -0.2) / (Math.sqrt(v[1]!) + 0.01)]);

  const yogi = { ...adam, type: "fedyogi" } as const;
  const { memory } = applyUpdate({ flat: zero, memory: freshMemory(yogi, 2) }, mean, yogi);
  close(memory[1]!, [1e-4 + 0.01 * 1, 1e-4 + 0.01 * 4]);
  // Where the square is the smaller one, yogi comes down by a share of the square, not of the difference.
  const large = { flat: zero, memory: [zero, Float32Array.of(9, 9)] };
  close(applyUpdate(large, mean, yogi).memory[1]!, [9 - 0.01 * 1, 9 - 0.01 * 4]);
});

test("a rule says what it remembers", () => {
  const names = (rule: UpdateRule) =>
    memoryTensors(rule, 7).map(({ name, shape }) => `${name} ${shape.join()}`);
  expect(names(average(1))).toEqual([]);
  expect(names({ type: "fedavgm", serverStep: 1, momentum: 0.9 })).toEqual(["server.momentum 7"]);
  expect(names({ type: "fedadam", serverStep: 1, beta1: 0.9, beta2: 0.9, tau: 0.1 })).toEqual([
    "server.first_moment 7",
    "server.second_moment 7",
  ]);
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
])("%f plus %f · step %f is %f", (value, mean, step, next) => {
  const got = applyUpdate(without(Float32Array.of(value)), Float32Array.of(mean), average(step));
  expect(got.flat[0]).toBe(Math.fround(next));
});

test("the arguments stay as they are, and the result is memory of its own", () => {
  const [flat, mean] = [Float32Array.of(1, 2), Float32Array.of(3, 4)];
  const next = applyUpdate(without(flat), mean, average(1));
  expect([...flat, ...mean]).toEqual([1, 2, 3, 4]);
  expect([...next.flat]).toEqual([4, 6]);
  expect(next.flat.buffer).not.toBe(flat.buffer);
});

test("an update of another length, and a rule without its memory, are bugs and no answers", () => {
  const apply = (mean: number, rule: UpdateRule) =>
    applyUpdate(without(new Float32Array(2)), new Float32Array(mean), rule);
  expect(() => apply(3, average(1))).toThrow("as long as its model");
  expect(() => apply(2, { type: "fedavgm", serverStep: 1, momentum: 0.9 })).toThrow("what it remembers");
});
