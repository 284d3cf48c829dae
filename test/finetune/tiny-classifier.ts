/** A classifier on the tiny model with random adapters and head, and the same one for the slow twin. */
import {
  type ClassifierTask,
  classifierTensors,
  type Example,
  type NamedValues,
  parameterCount,
  type TensorSpec,
  type TrainJob,
} from "@bulkhead/finetune";
import type { SlowClassifier, SlowRow } from "../reference/encoder-classifier.ts";
import { randomNumbers, TINY, tinyWeights } from "./tiny-model.ts";

export const TINY_TASK: ClassifierTask = {
  classes: 2,
  maxTokens: 8,
  lora: { rank: 2, alpha: 4, layers: [1, 2] },
  logitScale: 3,
};

/** Rows of several lengths, one of them empty and one cut. */
export const TINY_EXAMPLES: readonly Example[] = [
  { text: "buy pills now", label: 1 },
  { text: "the list meets monday", label: 0 },
  { text: "", label: 0 },
  { text: "Buy the pills, buy the list now now now", label: 1 },
  { text: "monday", label: 0 },
  { text: "pills pills", label: 1 },
  { text: "the lists", label: 0 },
];

/** What the tokenizer makes of {@link TINY_EXAMPLES}. */
export const TINY_IDS: readonly (readonly number[])[] = [
  [2, 4, 5, 6, 3],
  [2, 7, 8, 9, 11, 3],
  [2, 3],
  [2, 4, 7, 5, 1, 4, 7, 3],
  [2, 11, 3],
  [2, 5, 5, 3],
  [2, 7, 8, 10, 3],
];

export const slowRows = (rows: readonly number[]): readonly SlowRow[] =>
  rows.map((row) => ({ ids: TINY_IDS[row]!, label: TINY_EXAMPLES[row]!.label }));

/** Both factors of every adapter and the head are far from zero, so that every term of a gradient counts. */
export const randomModel = async (folder: string, task: ClassifierTask, seed = 11): Promise<Float32Array> => {
  const random = randomNumbers(seed);
  const specs = await classifierTensors(folder, task);
  return Float32Array.from({ length: parameterCount(specs) }, random);
};

export const slowClassifier = (
  task: ClassifierTask,
  specs: readonly TensorSpec[],
  model: Float32Array,
): SlowClassifier => ({
  task: {
    layers: TINY.layers,
    heads: TINY.heads,
    epsilon: TINY.epsilon,
    classes: task.classes,
    rank: task.lora.rank,
    alpha: task.lora.alpha,
    adapted: task.lora.layers,
    logitScale: task.logitScale,
  },
  weights: tinyWeights(),
  trainable: namedTensors(specs, model),
});

export const namedTensors = (specs: readonly TensorSpec[], flat: Float32Array): readonly NamedValues[] => {
  let at = 0;
  return specs.map(({ name, shape }) => {
    const start = at;
    at += shape.reduce((size, side) => size * side, 1);
    return { name, shape, values: flat.slice(start, at) };
  });
};

export const tinyJob = (model: Float32Array, changes: Partial<TrainJob> = {}): TrainJob => ({
  model,
  round: 1,
  rounds: 4,
  localSteps: 3,
  batchSize: 4,
  learningRate: 0.01,
  optimiser: { type: "adam", beta1: 0.9, beta2: 0.99, epsilon: 1e-8 },
  schedule: "constant",
  shuffleSeed: new Uint8Array(32).fill(5),
  ...changes,
});

/** So large that what is left of the parameters in the sum with one step's gradient is nothing. */
const STEEP = 2 ** 20;

/** A job whose update is a multiple of the gradient of one batch. */
export const gradientJob = (model: Float32Array, changes: Partial<TrainJob> = {}): TrainJob =>
  tinyJob(model, { localSteps: 1, learningRate: STEEP, optimiser: { type: "sgd" }, ...changes });

export const gradientOf = (update: Float32Array): readonly number[] =>
  Array.from(update, (value) => -value / STEEP);
