import {
  adapterPlaces,
  adapterTensors,
  type LoraPlan,
  mergeAdapter,
  parameterCount,
  type PeftFiles,
  peftConfig,
  peftTensors,
  projectionsOf,
  readPeftAdapter,
  runModel,
  adaptModel,
  loadModel,
} from "@bulkhead/finetune";
import { openBackend } from "@bulkhead/compute";
import { describe, expect, test } from "vitest";
import { expectNear, rowsOf } from "./model-cases.ts";
import { loadSmall, shapeOf, SMALL_MODELS, smallAdapter, smallWeights, useOf } from "./small-models.ts";

const small = SMALL_MODELS.cases["llama"]!;
const shape = shapeOf(small);

const filesOf = (plan: LoraPlan, changes: object = {}): PeftFiles => {
  const places = adapterPlaces(shape, "language-model", plan);
  const trained = Float32Array.from(
    { length: parameterCount(adapterTensors(places, plan)) },
    (_, i) => i / 100,
  );
  const tensors = new Map(
    peftTensors(shape, "language-model", plan, { trained }).map((tensor) => [tensor.name, tensor]),
  );
  return {
    config: { ...peftConfig(shape, "language-model", plan, "base"), ...changes },
    tensor: (name) => tensors.get(name),
    names: [...tensors.keys()],
    place: "an adapter",
  };
};

const PLANS: readonly LoraPlan[] = [
  { rank: 2, alpha: 3, targets: "all-linear" },
  { rank: 1, alpha: 3, targets: ["q_proj", "mlp.down_proj"], layers: [1], dropout: 0.1 },
  { rank: 3, alpha: 8, targets: ["v_proj"], rankStabilised: true },
];

test.each(PLANS)("what is written is read back: $targets", (plan) => {
  const files = filesOf(plan);
  const read = readPeftAdapter(shape, "language-model", files);
  expect(read.plan).toEqual({ dropout: 0, ...plan });
  expect(read.trained[5]).toBe(Math.fround(0.05));
});

describe("an adapter whose result would be another", () => {
  test.each<readonly [string, object]>([
    ["use_dora", { use_dora: true }],
    ["bias", { bias: "all" }],
    ["peft_type", { peft_type: "IA3" }],
    ["rank_pattern", { rank_pattern: { q_proj: 4 } }],
    ["modules_to_save", { modules_to_save: ["lm_head"] }],
    ["init_lora_weights", { init_lora_weights: "pissa" }],
    ["something_new", { something_new: true }],
    ["no projection", { target_modules: ["qq_proj"] }],
    ["no tensor", { r: 3 }],
    ["does not name", { target_modules: ["q_proj"] }],
  ])("is refused: %s", (named, change) => {
    const files = filesOf(PLANS[0]!, change);
    expect(() => readPeftAdapter(shape, "language-model", files)).toThrow(named);
  });
});

test("with A frozen both factors are written, and PEFT sees an ordinary adapter", () => {
  const plan: LoraPlan = { rank: 2, alpha: 3, targets: ["q_proj"], frozenA: true };
  const places = adapterPlaces(shape, "language-model", plan);
  const trained = new Float32Array(parameterCount(adapterTensors(places, plan))).fill(1);
  const frozenA = new Float32Array(places.length * 2 * 16).fill(2);
  const written = peftTensors(shape, "language-model", plan, { trained, frozenA });
  expect(written.map(({ name }) => name)).toEqual(
    adapterTensors(places, plan, "all").map(({ name }) => name),
  );
  expect(written.map(({ values }) => values[0])).toEqual([2, 1, 2, 1]);
});

test.each(["llama", "gpt2"])(
  "a merged %s gives what the adapted one gives, and comes apart again",
  async (name) => {
    const one = SMALL_MODELS.cases[name]!;
    const { tf } = await openBackend("cpu");
    const model = await loadSmall(tf, one);
    const { plan, trained } = smallAdapter(one);
    const rows = rowsOf(SMALL_MODELS);
    const adapted = await runModel(tf, { adapted: adaptModel(tf, model, plan), parameters: trained }, rows);
    const places = adapterPlaces(shapeOf(one), useOf(one), plan);
    const tensors = new Map(
      peftTensors(shapeOf(one), useOf(one), plan, { trained }).map((tensor) => [tensor.name, tensor.values]),
    );
    const weights = smallWeights(one);
    const merged = await loadModel(tf, shapeOf(one), useOf(one), async (wanted, sides) => {
      const kernel = await weights(wanted, sides);
      const place = places.find(({ module }) => `${module}.weight` === wanted);
      if (place === undefined) return kernel;
      const of = (factor: string) => tensors.get(`base_model.model.${place.module}.lora_${factor}.weight`)!;
      const factors = { a: of("A"), b: of("B") };
      const kernelSides = { ...place, inputsFirst: name === "gpt2" };
      const whole = mergeAdapter(kernel, kernelSides, factors, { plan });
      const apart = mergeAdapter(whole, kernelSides, factors, { plan, sign: -1 });
      for (const [i, value] of kernel.entries()) expect(apart[i]).toBeCloseTo(value, 5);
      return whole;
    });
    const speaking = await runModel(tf, { model: merged }, rows);
    for (const [row, values] of speaking.entries()) expectNear(values, [...adapted[row]!], 2e-5);
    model.dispose();
    merged.dispose();
  },
);

test("every projection of the model can have an adapter", () => {
  expect(projectionsOf(shape, "language-model").map(({ module }) => module)).toEqual(
    ["q_proj", "k_proj", "v_proj", "o_proj"]
      .map((name) => `model.layers.0.self_attn.${name}`)
      .concat(["gate_proj", "up_proj", "down_proj"].map((name) => `model.layers.0.mlp.${name}`))
      .flatMap((name) => [name])
      .concat(
        ["q_proj", "k_proj", "v_proj", "o_proj"]
          .map((name) => `model.layers.1.self_attn.${name}`)
          .concat(["gate_proj", "up_proj", "down_proj"].map((name) => `model.layers.1.mlp.${name}`)),
      ),
  );
});
