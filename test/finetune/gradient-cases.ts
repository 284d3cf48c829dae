/** The trainer against its slow twin, for whichever backend. */
import { type BackendName, openBackend } from "@bulkhead/compute";
import { type ClassifierTask, drawRows, openTrainer, type Trainer } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import {
  type SlowClassifier,
  slowCrossEntropy,
  slowGradient,
  slowLogits,
  slowLoss,
  type SlowRow,
} from "../reference/encoder-classifier.ts";
import {
  gradientJob,
  gradientOf,
  randomModel,
  slowClassifier,
  slowRows,
  TINY_EXAMPLES,
  TINY_IDS,
  TINY_TASK,
} from "./tiny-classifier.ts";
import { TINY_CONFIG, tinyModelFolder } from "./tiny-model.ts";

const TASKS: readonly (readonly [string, ClassifierTask])[] = [
  ["adapters on the last layers", TINY_TASK],
  ["adapters on all layers", { ...TINY_TASK, lora: { rank: 2, alpha: 4, layers: [2, 0, 1] } }],
  ["a layer without adapters between", { ...TINY_TASK, lora: { rank: 1, alpha: 3, layers: [0, 2] } }],
  ["the head alone", { ...TINY_TASK, lora: { rank: 1, alpha: 1, layers: [] } }],
  ["five classes", { ...TINY_TASK, classes: 5, lora: { rank: 3, alpha: 1, layers: [2] } }],
];

interface SlowAnswer {
  readonly loss: number;
  readonly gradient: readonly number[];
}

const answers = new Map<ClassifierTask, SlowAnswer>();

/** The twin takes a second; all backends are held against the same answer. */
const slowAnswer = (task: ClassifierTask, slow: SlowClassifier, rows: readonly SlowRow[]): SlowAnswer => {
  const answer = answers.get(task) ?? { loss: slowLoss(slow, rows), gradient: slowGradient(slow, rows) };
  answers.set(task, answer);
  return answer;
};

export const gradientCases = (backend: BackendName): void => {
  test.each(TASKS)(`loss and gradient are those of the slow twin: %s, on ${backend}`, async (_, task) => {
    const folder = tinyModelFolder();
    const trainer = await openTrainer({
      kind: "classifier",
      modelFolder: folder,
      task,
      examples: TINY_EXAMPLES,
      backend,
    });
    const model = await randomModel(folder, task);
    const job = gradientJob(model, { batchSize: 6 });
    const outcome = await trainer.train(job);
    if (outcome.type !== "trained") throw new Error(outcome.code);

    const rows = slowRows(drawRows({ seed: job.shuffleSeed, rows: TINY_EXAMPLES.length }, 0, 6));
    const slow = slowClassifier(task, trainer.tensors, model);
    expect(outcome.examples).toBe(6);
    const { loss, gradient: wanted } = slowAnswer(task, slow, rows);
    expect(outcome.lossSum / 6).toBeCloseTo(loss, 5);
    const size = Math.max(...wanted.map(Math.abs));
    const off = gradientOf(outcome.update).map((value, i) => Math.abs(value - wanted[i]!) / size);
    expect(size).toBeGreaterThan(0.01);
    expect(Math.max(...off)).toBeLessThan(2e-5);
    await trainer.close();
  });

  test(`the judgement of each example is the slow twin's, whatever stands in the same batch, on ${backend}`, async () => {
    const folder = tinyModelFolder();
    const trainer = await openTiny(folder, backend);
    const model = await randomModel(folder, TINY_TASK);
    const slow = slowClassifier(TINY_TASK, trainer.tensors, model);
    const logits = TINY_IDS.map((ids) => slowLogits(slow, ids));
    const together = await trainer.evaluate(model, TINY_EXAMPLES);
    const losses = logits.map((each, i) => slowCrossEntropy(each, TINY_EXAMPLES[i]!.label));
    expect(together.loss).toBeCloseTo(losses.reduce((sum, loss) => sum + loss) / losses.length, 5);
    for (const [i, example] of TINY_EXAMPLES.entries()) {
      const alone = await trainer.evaluate(model, [example]);
      expect(alone.loss).toBeCloseTo(losses[i]!, 5);
      expect(alone.accuracy).toBe(logits[i]![example.label]! > logits[i]![1 - example.label]! ? 1 : 0);
    }
    await trainer.close();
  });

  test(`one head, whose scale of scores is another, agrees too, on ${backend}`, async () => {
    const folder = tinyModelFolder({ config: { ...TINY_CONFIG, num_attention_heads: 1 } });
    const trainer = await openTiny(folder, backend);
    const model = await randomModel(folder, TINY_TASK);
    const { task, ...slow } = slowClassifier(TINY_TASK, trainer.tensors, model);
    const { loss } = await trainer.evaluate(model, TINY_EXAMPLES.slice(0, 1));
    expect(loss).toBeCloseTo(slowLoss({ ...slow, task: { ...task, heads: 1 } }, slowRows([0])), 5);
    await trainer.close();
  });

  test(`training and judging leave no tensor behind, and closing none at all, on ${backend}`, async () => {
    const folder = tinyModelFolder();
    const { tf } = await openBackend(backend);
    const before = tf.memory().numTensors;
    const trainer = await openTiny(folder, backend);
    const opened = tf.memory().numTensors;
    const model = await randomModel(folder, TINY_TASK);
    for (const type of ["sgd", "adam"] as const)
      await trainer.train({
        ...gradientJob(model, { localSteps: 3, learningRate: 0.01 }),
        optimiser: type === "sgd" ? { type } : { type, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
      });
    await trainer.train(gradientJob(new Float32Array(model.length).fill(Number.NaN)));
    await trainer.evaluate(model, TINY_EXAMPLES);
    expect(tf.memory().numTensors).toBe(opened);
    await trainer.close();
    expect(tf.memory().numTensors).toBe(before);
  });

  test(`training is the same to the bit when it is done again, also by another trainer, on ${backend}`, async () => {
    const folder = tinyModelFolder();
    const [first, second] = [await openTiny(folder, backend), await openTiny(folder, backend)];
    const job = gradientJob(await randomModel(folder, TINY_TASK), { localSteps: 5, learningRate: 0.1 });
    const once = await first.train(job);
    await first.train({ ...job, round: 2 });
    expect(await first.train(job)).toEqual(once);
    expect(await second.train(job)).toEqual(once);
    expect(once.type).toBe("trained");
    await first.close();
    await second.close();
  });
};

const openTiny = (modelFolder: string, backend: BackendName): Promise<Trainer> =>
  openTrainer({
    kind: "classifier",
    modelFolder,
    task: TINY_TASK,
    examples: TINY_EXAMPLES,
    backend,
  });
