import { adaptModel, generate, type LoadedModel, runModel, sampleToken } from "@bulkhead/finetune";
import { openBackend, type TensorFlow } from "@bulkhead/compute";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { randomNumbers } from "../finetune/tiny-model.ts";
import { loadSmall, SMALL_MODELS, smallAdapter } from "../finetune/models/small-models.ts";

const CASES = ["llama", "mistral", "qwen3", "gpt2"] as const;
const PROMPT = Int32Array.of(5, 9, 3, 17);

const largest = (logits: Float32Array): number => logits.indexOf(Math.max(...logits));

describe.each(CASES)("a small %s", (name) => {
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

  test("writes the most probable token each time, as without kept keys and values", async () => {
    const { plan, trained } = smallAdapter(small);
    const speaker = { adapted: adaptModel(tf, model, plan), parameters: trained };
    const told: number[] = [];
    const written = await generate(tf, speaker, PROMPT, {
      mostTokens: 8,
      stop: [],
      onToken: (id) => told.push(id),
    });
    const all = [...PROMPT];
    for (let i = 0; i < 8; i++) {
      const [logits] = await runModel(tf, speaker, [{ ids: Int32Array.from(all) }]);
      all.push(largest(logits!.subarray((all.length - 1) * 24)));
    }
    expect(written).toEqual(all.slice(PROMPT.length));
    expect(told).toEqual(written);
  });

  test("draws the same text from the same seed, another from another", async () => {
    const from = (byte: number) =>
      generate(tf, { model }, PROMPT, {
        mostTokens: 12,
        stop: [],
        temperature: 2,
        topP: 0.95,
        seed: new Uint8Array(32).fill(byte),
      });
    expect(await from(1)).toEqual(await from(1));
    expect(await from(1)).not.toEqual(await from(2));
  });

  test("ends before a stop and at the bound of tokens", async () => {
    const written = await generate(tf, { model }, PROMPT, { mostTokens: 6, stop: [] });
    expect(written).toHaveLength(6);
    const stop = written[3]!;
    expect(await generate(tf, { model }, PROMPT, { mostTokens: 6, stop: [stop] })).toEqual(
      written.slice(0, written.indexOf(stop)),
    );
  });

  test("refuses a prompt that it cannot read", async () => {
    for (const prompt of [Int32Array.of(), Int32Array.of(24), Int32Array.of(-1), new Int32Array(64)])
      await expect(generate(tf, { model }, prompt, { mostTokens: 1, stop: [] })).rejects.toMatchObject({
        code: "model-unusable",
      });
  });
});

test("a window that a text grows out of hides its beginning", async () => {
  const { tf } = await openBackend("cpu");
  const model = await loadSmall(tf, SMALL_MODELS.cases["mistral"]!);
  const ends = [3, 7].map((first) => ({ ids: Int32Array.of(first, 9, 3, 17, 4, 2, 11, 20) }));
  const [one, other] = await runModel(tf, { model }, ends);
  // Two layers with a window of 3 reach back over four tokens.
  expect(one!.slice(5 * 24)).toEqual(other!.slice(5 * 24));
  expect(one!.slice(4 * 24, 5 * 24)).not.toEqual(other!.slice(4 * 24, 5 * 24));
  model.dispose();
});

describe("a token is chosen", () => {
  const logits = Float32Array.from([1, 3, 2, 0].map(Math.log), (value) => value);

  test("greedily without a temperature, the first of equals", () => {
    expect(sampleToken(Float32Array.of(1, 5, 5), {}, () => 0)).toBe(1);
  });

  test("in proportion to its share", () => {
    const random = randomNumbers(4);
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 6000; i++) counts[sampleToken(logits, { temperature: 1 }, () => random() + 0.5)]!++;
    expect(counts.map((count) => Math.round(count / 100) / 10)).toEqual([
      expect.closeTo(1, 0),
      expect.closeTo(3, 0),
      expect.closeTo(2, 0),
      0,
    ]);
  });

  test("among the most probable ones alone that make up topP", () => {
    const drawn = [0, 0.3, 0.6, 0.999].map((at) =>
      sampleToken(logits, { temperature: 1, topP: 0.6 }, () => at),
    );
    expect(new Set(drawn)).toEqual(new Set([1, 2]));
  });
});
