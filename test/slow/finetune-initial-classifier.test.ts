import { classifierTensors, initialClassifier, textDirections } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { slowDirection } from "../reference/encoder-classifier.ts";
import {
  namedTensors,
  slowClassifier,
  TINY_EXAMPLES,
  TINY_IDS,
  TINY_TASK,
} from "../finetune/tiny-classifier.ts";
import { tinyModelFolder } from "../finetune/tiny-model.ts";

const options = {
  seed: new Uint8Array(32).fill(3),
  labelPhrases: [["the list meets monday", "monday"], ["buy pills now"]],
  backend: "cpu",
} as const;

const slowDirections = () => {
  const model = slowClassifier(
    { ...TINY_TASK, lora: { ...TINY_TASK.lora, layers: [] } },
    [],
    new Float32Array(0),
  );
  return TINY_IDS.map((ids) => slowDirection(model, ids));
};

const expectClose = (got: ArrayLike<number>, wanted: readonly number[]): void => {
  expect(got).toHaveLength(wanted.length);
  for (const [i, value] of wanted.entries()) expect(got[i]).toBeCloseTo(value, 5);
};

test("the direction of a text is the twin's, whichever texts are asked for beside it", async () => {
  const folder = tinyModelFolder();
  const texts = TINY_EXAMPLES.map(({ text }) => text);
  const directions = await textDirections(folder, texts, { maxTokens: 8, backend: "cpu" });
  for (const [i, direction] of slowDirections().entries()) expectClose(directions[i]!, direction);
  const [alone] = await textDirections(folder, texts.slice(3, 4), { maxTokens: 8, backend: "cpu" });
  expect(alone).toEqual(directions[3]);
});

describe("the initial model", () => {
  test("has A uniform in ±1/√width, B and biases zero, and for each class the direction of its phrases", async () => {
    const folder = tinyModelFolder();
    const wide = { ...TINY_TASK, lora: { rank: 8, alpha: 1, layers: [0, 1, 2] } };
    const model = await initialClassifier(folder, wide, options);
    const tensors = namedTensors(await classifierTensors(folder, wide), model);
    const valuesOf = (part: string) =>
      tensors.filter(({ name }) => name.includes(part)).flatMap(({ values }) => [...values]);
    const a = valuesOf("lora_A");
    expect(Math.max(...a.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(8));
    const mean = a.reduce((sum, value) => sum + value, 0) / a.length;
    const variance = a.reduce((sum, value) => sum + value * value, 0) / a.length;
    expect(Math.abs(mean)).toBeLessThan(0.05);
    expect(variance).toBeCloseTo(1 / 8 / 3, 2);
    expect(new Set(a).size).toBe(a.length);
    expect(new Set([...valuesOf("lora_B"), ...valuesOf("bias")])).toEqual(new Set([0]));

    const [, list, , , monday] = slowDirections();
    const sum = list!.map((value, i) => value + monday![i]!);
    const length = Math.hypot(...sum);
    const head = valuesOf("classifier.weight");
    expectClose(
      head.slice(0, 8),
      sum.map((value) => value / length),
    );
    expectClose(head.slice(8), [...slowDirections()[0]!]);
  });

  test("is the same for the same seed to the bit, and another for another", async () => {
    const folder = tinyModelFolder();
    const model = await initialClassifier(folder, TINY_TASK, options);
    expect(await initialClassifier(folder, TINY_TASK, options)).toEqual(model);
    const other = await initialClassifier(folder, TINY_TASK, { ...options, seed: new Uint8Array(32) });
    expect(other).not.toEqual(model);
    // The head comes from the phrases alone.
    expect(other.slice(-18)).toEqual(model.slice(-18));
  });

  test("has the same adapters on every backend", async () => {
    const folder = tinyModelFolder();
    const adapters = async (backend: "cpu" | "wasm") =>
      (await initialClassifier(folder, TINY_TASK, { ...options, backend })).slice(0, -18);
    expect(await adapters("wasm")).toEqual(await adapters("cpu"));
  });

  test.each([[[["a"]]], [[["a"], []]], [[["a"], ["b"], ["c"]]]])(
    "needs a phrase for each class: not %j",
    async (labelPhrases) => {
      await expect(
        initialClassifier(tinyModelFolder(), TINY_TASK, { ...options, labelPhrases }),
      ).rejects.toMatchObject({ name: "InputError", code: "config-label-phrases" });
    },
  );
});
