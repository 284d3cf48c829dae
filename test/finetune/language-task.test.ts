import { drawnFactors, initialAdapters, languageAdapter, languageTensors } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { tinyLanguageModel } from "./tiny-language-model.ts";

/** As they were when the draw was made; nothing else gives them. */
const FIRST = [-0.005_804_437_212_646, -0.048_465_985_804_796] as const;

const PLAN = { rank: 2, alpha: 4, targets: ["q_proj", "down_proj"], layers: [1] } as const;
const DRAW = { seed: "07".repeat(32) };

const deviationOf = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test("A is drawn as PEFT draws it, or from a bell curve, and depends on nothing but the seed and its place", () => {
  const [first, second] = drawnFactors([100, 400], 50, DRAW);
  expect(Math.max(...first!.map(Math.abs))).toBeLessThan(0.1);
  expect(deviationOf(first!)).toBeCloseTo(0.1 / Math.sqrt(3), 3);
  expect(Math.max(...second!.map(Math.abs))).toBeLessThan(0.05);
  const [bell] = drawnFactors([100], 50, { ...DRAW, deviation: 0.02 });
  expect(deviationOf(bell!)).toBeCloseTo(0.02, 3);
  expect(Math.max(...bell!.map(Math.abs))).toBeGreaterThan(0.05);
  // A change here makes other initial models of the same seed.
  expect(Array.from(first!.subarray(0, 2))).toEqual([
    expect.closeTo(FIRST[0], 7),
    expect.closeTo(FIRST[1], 7),
  ]);
});

test("adapters change nothing at first: B is zero; where A is frozen, what is trained is B alone", async () => {
  const { shape, tensors } = await languageTensors({ folder: tinyLanguageModel() }, PLAN);
  const start = initialAdapters(shape, PLAN, DRAW);
  const whole = languageAdapter(tensors, start, { lora: PLAN });
  expect(whole.map(({ name }) => name)).toEqual(tensors.map(({ name }) => name));
  for (const { name, values } of whole)
    expect(values.some((value) => value !== 0)).toBe(name.includes("lora_A"));
  const frozen = { ...PLAN, frozenA: true };
  const { tensors: trained } = await languageTensors({ folder: tinyLanguageModel() }, frozen);
  expect(initialAdapters(shape, frozen, DRAW)).toEqual(new Float32Array((16 + 16) * 2));
  const factors = { ...DRAW, inputs: [16, 24] };
  const again = languageAdapter(trained, new Float32Array((16 + 16) * 2), { lora: frozen, factors });
  expect(again).toEqual(whole);
});
