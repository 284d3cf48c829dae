import {
  type Activations,
  type ActivationStore,
  baseDigest,
  classifierTensors,
  type ClassifierTrainer,
  type ClassifierTrainerOptions,
  drawRows,
  type Example,
  openClassifierTrainer,
  parameterCount,
  type TrainJob,
  type TrainOutcome,
  writeSafetensors,
} from "@bulkhead/finetune";
import { describe, expect, onTestFinished, test } from "vitest";
import { adamSteps } from "../reference/adam.ts";
import {
  gradientJob,
  gradientOf,
  randomModel,
  TINY_EXAMPLES,
  TINY_TASK,
  tinyJob,
} from "../finetune/tiny-classifier.ts";
import { tinyModelFolder, tinyWeights } from "../finetune/tiny-model.ts";

const open = async (options: Partial<ClassifierTrainerOptions> = {}): Promise<ClassifierTrainer> => {
  const trainer = await openClassifierTrainer({
    modelFolder: tinyModelFolder(),
    task: TINY_TASK,
    examples: TINY_EXAMPLES,
    backend: "wasm",
    ...options,
  });
  onTestFinished(() => trainer.close());
  return trainer;
};

/** More than a block of the frozen layers. */
const MANY: readonly Example[] = Array.from({ length: 23 }, (_, i) => ({
  text: `${TINY_EXAMPLES[i % 7]!.text} ${TINY_EXAMPLES[(3 * i) % 5]!.text}`,
  label: i % 2,
}));

const modelOf = async (seed = 11): Promise<Float32Array> => randomModel(tinyModelFolder(), TINY_TASK, seed);

const updateOf = (outcome: TrainOutcome): Float32Array => {
  if (outcome.type !== "trained") throw new Error(JSON.stringify(outcome));
  return outcome.update;
};

describe("what is trained", () => {
  test("is adapters and head alone, named as PEFT names them, in canonical order", async () => {
    const trainer = await open();
    const adapters = [1, 2].flatMap((layer) =>
      ["query", "value"].flatMap((part) =>
        ["A", "B"].map((factor) => ({
          name: `base_model.model.encoder.layer.${layer}.attention.self.${part}.lora_${factor}.weight`,
          shape: factor === "A" ? [2, 8] : [8, 2],
        })),
      ),
    );
    const head = [
      { name: "classifier.weight", shape: [2, 8] },
      { name: "classifier.bias", shape: [2] },
    ];
    expect(trainer.tensors).toEqual([...adapters, ...head]);
    expect(await classifierTensors(tinyModelFolder(), TINY_TASK)).toEqual(trainer.tensors);
    expect(trainer).toMatchObject({ rows: 7, backend: "wasm (tfjs 4.22.0)" });
  });

  test("moves everywhere, and the base model nowhere: what it gives for another model stays the same", async () => {
    const modelFolder = tinyModelFolder();
    const trainer = await open({ modelFolder });
    const [model, other] = [await modelOf(), await modelOf(12)];
    const [digest, judgement] = [await baseDigest(modelFolder), await trainer.evaluate(other, TINY_EXAMPLES)];
    const update = updateOf(await trainer.train(tinyJob(model, { learningRate: 10, localSteps: 8 })));
    expect(update.every((value) => value !== 0)).toBe(true);
    expect(await trainer.evaluate(other, TINY_EXAMPLES)).toEqual(judgement);
    expect(await baseDigest(modelFolder)).toEqual(digest);
    expect(model).toEqual(await modelOf());
  });

  test("learns: the loss on the rows falls", async () => {
    const trainer = await open();
    const model = await modelOf();
    const before = await trainer.evaluate(model, TINY_EXAMPLES);
    const update = updateOf(await trainer.train(tinyJob(model, { localSteps: 40 })));
    const after = await trainer.evaluate(
      model.map((value, i) => value + update[i]!),
      TINY_EXAMPLES,
    );
    expect(after.loss).toBeLessThan(0.5 * before.loss);
  });
});

describe("a round", () => {
  test("takes the rows of its own place in the site's order, whatever was trained before", async () => {
    const trainer = await open();
    const model = await modelOf();
    const jobs = [1, 2, 3].map((round) => tinyJob(model, { round }));
    const inOrder: TrainOutcome[] = [];
    for (const job of jobs) inOrder.push(await trainer.train(job));
    const fresh = await open();
    expect(await fresh.train(jobs[2]!)).toEqual(inOrder[2]);
    expect(updateOf(inOrder[0]!)).not.toEqual(updateOf(inOrder[1]!));
  });

  test("of plain descent with three steps does what three rounds of one step do", async () => {
    const trainer = await open();
    const sgd: Partial<TrainJob> = { optimiser: { type: "sgd" }, learningRate: 2 ** -6 };
    const model = await modelOf();
    const whole = updateOf(await trainer.train(tinyJob(model, { ...sgd, localSteps: 3, round: 2 })));
    let walked = model;
    for (const round of [4, 5, 6]) {
      const update = updateOf(
        await trainer.train(tinyJob(walked, { ...sgd, localSteps: 1, round, rounds: 9 })),
      );
      walked = walked.map((value, i) => value + update[i]!);
    }
    const off = walked.map((value, i) => Math.abs(value - model[i]! - whole[i]!));
    expect(Math.max(...off)).toBeLessThan(1e-6);
  });

  test("tells of each step its mean loss, and the sum of all in the end", async () => {
    const trainer = await open();
    const told: (readonly [number, number])[] = [];
    const outcome = await trainer.train(tinyJob(await modelOf()), (step, loss) => told.push([step, loss]));
    expect(told.map(([step]) => step)).toEqual([0, 1, 2]);
    expect(outcome).toMatchObject({ type: "trained", examples: 12 });
    const sum = told.reduce((total, [, loss]) => total + 4 * loss, 0);
    expect(outcome.type === "trained" && outcome.lossSum).toBeCloseTo(sum, 10);
  });

  test.each([
    [1, 1],
    [2, 0.75],
    [4, 0.25],
  ])("at linear decay, round %i of 4 has %f of the rate, to the bit", async (round, share) => {
    const trainer = await open();
    const model = await modelOf();
    const steep = gradientJob(model, { round, rounds: 4 });
    const decayed = updateOf(await trainer.train({ ...steep, schedule: "linear-decay" }));
    const constant = updateOf(await trainer.train({ ...steep, learningRate: share * steep.learningRate }));
    expect(decayed).toEqual(constant);
  });

  test("other seeds draw other rows", async () => {
    const trainer = await open();
    const model = await modelOf();
    const [one, two] = [1, 2].map((fill) => tinyJob(model, { shuffleSeed: new Uint8Array(32).fill(fill) }));
    expect(updateOf(await trainer.train(one!))).not.toEqual(updateOf(await trainer.train(two!)));
  });
});

test("Adam does what its twin does with the gradients of the same batches", async () => {
  const trainer = await open();
  const optimiser = { type: "adam", beta1: 0.9, beta2: 0.99, epsilon: 1e-3 } as const;
  const model = await modelOf();
  const whole = updateOf(await trainer.train(tinyJob(model, { optimiser, localSteps: 6 })));
  const walked = await adamSteps({ ...optimiser, learningRate: 0.01 }, [...model], 6, async (at, step) => {
    const job = gradientJob(Float32Array.from(at), { round: step + 1, rounds: 9 });
    return gradientOf(updateOf(await trainer.train(job)));
  });
  const off = walked.map((value, i) => Math.abs(value - model[i]! - whole[i]!));
  expect(Math.max(...whole.map(Math.abs))).toBeGreaterThan(0.02);
  expect(Math.max(...off)).toBeLessThan(1e-5);
});

describe("the activations of frozen layers", () => {
  test.each([undefined, 0, 700])(
    "give a round that is trained again the same update to the bit when %s bytes of them may be kept",
    async (cacheBytes) => {
      const options = { examples: MANY, ...(cacheBytes === undefined ? {} : { cacheBytes }) };
      const [steady, restarted] = [await open(options), await open(options)];
      const model = await modelOf();
      await steady.train(tinyJob(model, { round: 1 }));
      await steady.evaluate(model, MANY.slice(3, 8));
      for (const round of [3, 2])
        expect(await restarted.train(tinyJob(model, { round }))).toEqual(
          await steady.train(tinyJob(model, { round })),
        );
    },
  );

  test("are the same but for the last bits, whether rows run together or, having no room, alone", async () => {
    const model = await modelOf();
    const [together, alone] = await Promise.all(
      [2 ** 20, 0].map(async (cacheBytes) =>
        updateOf(await (await open({ examples: MANY, cacheBytes })).train(tinyJob(model))),
      ),
    );
    for (const [i, value] of together!.entries()) expect(alone![i]).toBeCloseTo(value, 6);
  });

  test("come from the store that a caller brings, each computed once", async () => {
    const kept = new Map<string, Activations>();
    const store: ActivationStore = {
      get: ({ text }) => kept.get(text),
      keep: ({ text }, activations) => {
        expect(kept.has(text)).toBe(false);
        kept.set(text, activations);
      },
    };
    const options = { modelFolder: tinyModelFolder(), task: TINY_TASK, backend: "wasm" } as const;
    const trainer = await openClassifierTrainer({ ...options, examples: TINY_EXAMPLES }, store);
    onTestFinished(() => trainer.close());
    await trainer.train(tinyJob(await modelOf()));
    await trainer.evaluate(await modelOf(), TINY_EXAMPLES);
    expect([...kept.keys()].toSorted()).toEqual(TINY_EXAMPLES.map(({ text }) => text).toSorted());
  });

  test("of rows that are equal are those of one row", async () => {
    const twice = [...TINY_EXAMPLES, ...TINY_EXAMPLES];
    const trainer = await open({ examples: twice });
    const { loss } = await trainer.evaluate(await modelOf(), twice);
    expect(loss).toBeCloseTo((await trainer.evaluate(await modelOf(), TINY_EXAMPLES)).loss, 6);
  });
});

describe("what cannot be trained", () => {
  test.each([-1, 2, 0.5, Number.NaN])("a label %d is refused with its row", async (label) => {
    const examples: readonly Example[] = [TINY_EXAMPLES[0]!, { text: "buy", label }];
    await expect(open({ examples })).rejects.toMatchObject({
      name: "InputError",
      code: "data-label",
      place: "row 2 of the data",
      problem: "its label is not a whole number from 0 to 1",
    });
    const trainer = await open();
    await expect(trainer.evaluate(await modelOf(), examples)).rejects.toMatchObject({ code: "data-label" });
  });

  test("a model of another length fails, with both", async () => {
    const trainer = await open();
    expect(await trainer.train(tinyJob(new Float32Array(5)))).toEqual({
      type: "failed",
      code: "model-length",
      facts: { expected: parameterCount(trainer.tensors), given: 5 },
    });
  });

  test("no rows fail, and a batch larger than all rows does not", async () => {
    const model = await modelOf();
    const none = await open({ examples: [] });
    expect(await none.train(tinyJob(model))).toEqual({ type: "failed", code: "no-rows", facts: { rows: 0 } });
    const one = await open({ examples: TINY_EXAMPLES.slice(0, 1) });
    expect((await one.train(tinyJob(model))).type).toBe("trained");
  });

  test("a loss that is no number fails with its step and the rows that made it", async () => {
    const weights = tinyWeights().map((tensor) => {
      if (tensor.name !== "embeddings.word_embeddings.weight") return tensor;
      return { ...tensor, values: tensor.values.map((value, i) => (i >= 11 * 8 ? Number.NaN : value)) };
    });
    const trainer = await open({ modelFolder: tinyModelFolder({ weights: writeSafetensors(weights) }) });
    // "monday" stands in rows 1 and 4, and only there.
    const job = tinyJob(await modelOf(), { localSteps: 7, batchSize: 1 });
    const order = drawRows({ seed: job.shuffleSeed, rows: 7 }, 0, 7);
    const step = order.findIndex((row) => [1, 4].includes(row));
    expect(await trainer.train(job)).toEqual({
      type: "failed",
      code: "non-finite-loss",
      facts: { step, rows: [order[step]] },
    });
    const together = await trainer.train({ ...job, localSteps: 1, batchSize: 14 });
    if (together.type !== "failed" || together.code !== "non-finite-loss")
      throw new Error("it failed otherwise");
    expect(together.facts.step).toBe(0);
    expect([...together.facts.rows].sort((a, b) => a - b)).toEqual([1, 4]);
  });

  test("an infinite model fails at its first step", async () => {
    const trainer = await open();
    const outcome = await trainer.train(tinyJob((await modelOf()).fill(Number.POSITIVE_INFINITY, 0, 1)));
    expect(outcome).toMatchObject({ type: "failed", code: "non-finite-loss", facts: { step: 0 } });
  });

  test("an update that is no number fails with the names of its tensors", async () => {
    const trainer = await open();
    const outcome = await trainer.train(gradientJob(await modelOf(), { learningRate: 3e38 * 10 }));
    if (outcome.type !== "failed" || outcome.code !== "non-finite-update")
      throw new Error("it failed otherwise");
    expect(outcome.facts.tensors).toEqual(trainer.tensors.map(({ name }) => name));
  });

  test.each([
    [{ classes: 1 }, "classes must be from 2 to 1000"],
    [{ classes: 2.5 }, "classes must be from 2 to 1000"],
    [{ logitScale: Number.POSITIVE_INFINITY }, "logitScale must be a finite number"],
    [{ lora: { rank: 1.5, alpha: 1, layers: [1] } }, "rank must be from 1 to 8"],
    [{ lora: { rank: 1, alpha: Number.NaN, layers: [1] } }, "alpha must be a finite number"],
    [{ maxTokens: 2 }, "maxTokens must be from 3 to 10"],
    [{ maxTokens: 11 }, "maxTokens must be from 3 to 10"],
    [{ lora: { rank: 0, alpha: 1, layers: [1] } }, "rank must be from 1 to 8"],
    [{ lora: { rank: 9, alpha: 1, layers: [1] } }, "rank must be from 1 to 8"],
    [{ lora: { rank: 1, alpha: 1, layers: [1, 1] } }, "named twice"],
    [{ lora: { rank: 1, alpha: 1, layers: [3] } }, "layers are 0 to 2"],
    [{ lora: { rank: 1, alpha: 1, layers: [0.5] } }, "layers are 0 to 2"],
  ])("a task that does not fit the model is refused: %j", async (change, problem) => {
    await expect(open({ task: { ...TINY_TASK, ...change } })).rejects.toMatchObject({
      name: "InputError",
      code: "contract-task",
      problem: expect.stringContaining(problem),
    });
  });
});
