import { adaptModel, type LoadedModel, openChooser, runModel } from "@bulkhead/finetune";
import { openBackend, type TensorFlow } from "@bulkhead/compute";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadSmall, SMALL_MODELS, smallAdapter } from "../finetune/models/small-models.ts";

const CHOICES = [3, 11, 7, 20];
/** More than run at once, of several lengths. */
const PROMPTS = Array.from({ length: 19 }, (_, i) =>
  Int32Array.from([0, 7, 14, 21, 28, 35].slice(0, 3 + (i % 4)), (id) => (5 * i + id) % 24),
);

describe.each(["llama", "qwen3"] as const)("a small %s", (name) => {
  const small = SMALL_MODELS.cases[name]!;
  let tf: TensorFlow;
  let model: LoadedModel;
  let tensors: number;

  beforeEach(async () => {
    ({ tf } = await openBackend("cpu"));
    tensors = tf.memory().numTensors;
    model = await loadSmall(tf, small);
  });
  afterEach(() => {
    model.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test("chooses what its whole vocabulary's logits put first, with and without frozen layers", async () => {
    const { plan, trained } = smallAdapter(small);
    for (const layers of [undefined, [1]]) {
      const adapted = adaptModel(tf, model, { ...plan, ...(layers && { layers }) });
      const size = adapted.tensors.reduce((sum, { shape }) => sum + shape[0]! * shape[1]!, 0);
      const parameters = trained.slice(trained.length - size);
      const logits = await runModel(
        tf,
        { adapted, parameters },
        PROMPTS.map((ids) => ({ ids })),
      );
      const wanted = logits.map((row) => {
        const last = CHOICES.map((id) => row[row.length - 24 + id]!);
        return last.indexOf(Math.max(...last));
      });
      const chooser = openChooser(tf, adapted, PROMPTS, CHOICES);
      expect(await chooser.choose(parameters)).toEqual(wanted);
      expect(await chooser.choose(new Float32Array(size))).not.toEqual(wanted);
      expect(new Set(wanted).size).toBeGreaterThan(1);
      chooser.close();
    }
  });

  test("refuses a prompt that it cannot read", () => {
    const { plan } = smallAdapter(small);
    const adapted = adaptModel(tf, model, plan);
    expect(() => openChooser(tf, adapted, [Int32Array.of(24)], CHOICES)).toThrow(/token/u);
  });
});
