/** The trainer against its slow twin on the backends whose start is slow, and what only they can show. */
import { openThreadedTrainer, openTrainer } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { gradientCases } from "../finetune/gradient-cases.ts";
import { hasNative } from "../finetune/has-native.ts";
import { randomModel, TINY_EXAMPLES, TINY_TASK, tinyJob } from "../finetune/tiny-classifier.ts";
import { tinyModelFolder } from "../finetune/tiny-model.ts";

describe("a classifier in plain JavaScript", () => gradientCases("cpu"));

const native = hasNative
  ? "a native classifier"
  : "a native classifier (skipped: `npm run setup:native` has not built the backend)";

describe.skipIf(!hasNative)(native, () => {
  gradientCases("tensorflow");

  test("gives in a thread what it gives in the caller's own", async () => {
    const spec = {
      kind: "classifier",
      modelFolder: tinyModelFolder(),
      task: TINY_TASK,
      examples: TINY_EXAMPLES,
      backend: "tensorflow",
    } as const;
    const [there, here] = [await openThreadedTrainer(spec), await openTrainer(spec)];
    const job = tinyJob(await randomModel(spec.modelFolder, TINY_TASK), { localSteps: 20 });
    expect(await there.train(job)).toEqual(await here.train(job));
    await there.close();
    await here.close();
  });
});
