/** SmolLM2 from its GGUF file through a contract's task: rows, tokenizer, shape and weights from one place. */
import fs from "node:fs";
import {
  initialAdapters,
  type LanguageTask,
  languageTensors,
  openTrainer,
  parameterCount,
} from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { hasNative } from "../finetune/has-native.ts";
import { SMOLLM2, smolLm2File } from "../finetune/models/smollm2.ts";
import { freshFolder } from "../launch.ts";
import { STEPS } from "../vectors/smollm2.ts";
import { SMOLLM2_ROWS } from "../vectors/smollm2-rows.ts";

const TASK: LanguageTask = {
  family: "llama",
  lora: {
    rank: 8,
    alpha: 16,
    targets: "all-linear",
    layers: Array.from({ length: 10 }, (_, i) => 20 + i),
  },
  maxTokens: 32,
  rows: {
    type: "answer",
    prefix: "<|im_start|>user\n",
    text: "{text}",
    suffix: "\nFolder?<|im_end|>\n<|im_start|>assistant\n",
    answer: "{label}",
    end: "<|im_end|>",
  },
};

test.skipIf(smolLm2File === undefined || !hasNative)(
  "a task on SmolLM2's GGUF file has the reference's first loss, and learns from its rows",
  async () => {
    const model = { file: smolLm2File! };
    const { shape, tensors } = await languageTensors(model, TASK.lora);
    expect(shape).toEqual(SMOLLM2);
    expect(parameterCount(tensors)).toBe(814_080);
    const rows = SMOLLM2_ROWS.map(({ text, label }) => ({ text, label }));
    const folder = freshFolder();
    const trainer = await openTrainer({
      kind: "language-model",
      model,
      task: TASK,
      rows,
      backend: "tensorflow",
      cacheBytes: 0,
      spill: { folder, mostBytes: 2 ** 24 },
    });
    expect(trainer.loss).toMatch(/^8 of 8 rows were longer/u);
    const losses: number[] = [];
    const outcome = await trainer.train(
      {
        model: initialAdapters(shape, TASK.lora, { seed: "01".repeat(32), deviation: 0.02 }),
        round: 1,
        rounds: 1,
        localSteps: 4,
        batchSize: 8,
        learningRate: 2e-3,
        schedule: "constant",
        optimiser: { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        clipNorm: 1,
        shuffleSeed: new Uint8Array(32),
      },
      (_, loss) => losses.push(loss),
    );
    expect(outcome.type).toBe("trained");
    // B is zero at first: whatever A is, the first loss is the base model's.
    expect(losses[0]).toBeCloseTo(STEPS.losses[0], 3);
    expect(losses[3]).toBeLessThan(6);
    expect(fs.readdirSync(folder)).toEqual([]);
    await trainer.close();
  },
);
