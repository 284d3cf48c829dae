/** An encoder with adapters and a head as one function from frozen activations and trainable tensors to logits. */
import { InputError } from "@bulkhead/base";
import type { Tensor, Tensor2D, Tensor4D, TensorFlow } from "@bulkhead/compute";
import type { AttentionShape } from "./attention.ts";
import { dense } from "./dense.ts";
import { attentionMask, attentionScale, type Encoder, finishLayer, type TokenBatch } from "./encoder.ts";
import { adapterSpecs, adaptersOf, type LayerAdapters, projectWithAdapters } from "./lora.ts";
import type { EncoderConfig } from "./model-folder.ts";
import type { ClassifierTask, TensorSpec } from "./trainer.ts";

/** The trainable tensors in canonical order: adapters by layer, query before value, A before B, then the head. */
export const classifierSpecs = ({ width }: EncoderConfig, task: ClassifierTask): readonly TensorSpec[] => [
  ...adapterSpecs(width, task),
  { name: "classifier.weight", shape: [task.classes, width] },
  { name: "classifier.bias", shape: [task.classes] },
];

/** Layers below it are frozen and without adapter: what they give for a text never changes. */
export const firstTrainedLayer = ({ layers }: EncoderConfig, { lora }: ClassifierTask): number =>
  Math.min(layers, ...lora.layers);

/** Throws an {@link InputError} when the task does not fit the model. */
export const checkTask = (config: EncoderConfig, task: ClassifierTask): void => {
  const problem = taskProblem(config, task);
  if (problem !== undefined)
    throw new InputError({
      code: "contract-task",
      place: "the task",
      problem,
      cure: "change it in the contract",
    });
};

const taskProblem = (
  { layers, width, positions }: EncoderConfig,
  { classes, maxTokens, lora, logitScale }: ClassifierTask,
): string | undefined => {
  if (!isWhole(classes, 2, MOST_CLASSES)) return `the number of classes must be from 2 to ${MOST_CLASSES}`;
  if (!isWhole(maxTokens, 3, positions)) return `maxTokens must be from 3 to ${positions}`;
  if (!isWhole(lora.rank, 1, width)) return `the adapters' rank must be from 1 to ${width}`;
  if (!Number.isFinite(lora.alpha)) return "the adapters' alpha must be a finite number";
  if (!Number.isFinite(logitScale)) return "logitScale must be a finite number";
  if (!lora.layers.every((layer) => isWhole(layer, 0, layers - 1)))
    return `the model's layers are 0 to ${layers - 1}`;
  return new Set(lora.layers).size < lora.layers.length ? "a layer is named twice" : undefined;
};

const MOST_CLASSES = 1000;

const isWhole = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most;

/** Activations of a batch at the first trained layer: [rows · length, width]. */
export interface PreparedBatch extends Pick<TokenBatch, "rows" | "length" | "lengths"> {
  readonly x: Tensor2D;
}

export interface Classifier {
  readonly encoder: Encoder;
  readonly task: ClassifierTask;
}

/** [rows, classes]; `trainable` are the tensors of {@link classifierSpecs} in order. */
export const classify = (
  tf: TensorFlow,
  { encoder, task }: Classifier,
  trainable: readonly Tensor[],
  batch: PreparedBatch,
): Tensor2D => {
  const { width, heads } = encoder.config;
  const shape = { rows: batch.rows, length: batch.length, heads, width };
  const mask = attentionMask(tf, batch);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all but the last are matrices, by their specs
  const matrices = trainable.slice(0, -1) as Tensor2D[];
  const adapters = adaptersByLayer(task, matrices.slice(0, -1));
  const first = firstTrainedLayer(encoder.config, task);
  let { x } = batch;
  for (const [i, layer] of encoder.layers.entries()) {
    if (i < first) continue;
    const projected = project(tf, { encoder, task }, { layer: i, x, adapters: adapters.get(i) });
    x = finishLayer(tf, layer, { x, projected }, { shape, mask });
  }
  const z = meanDirection(tf, x, { shape, mask });
  const scores = tf.mul<Tensor2D>(tf.matMul(z, matrices.at(-1)!, false, true), task.logitScale);
  return tf.add(scores, trainable.at(-1)!);
};

const adaptersByLayer = ({ lora }: ClassifierTask, tensors: readonly Tensor2D[]) => {
  const adapters = adaptersOf(tensors);
  const layers = lora.layers.toSorted((a, b) => a - b);
  return new Map(layers.map((layer, i) => [layer, adapters[i]!]));
};

interface Projection {
  readonly layer: number;
  readonly x: Tensor2D;
  readonly adapters: LayerAdapters | undefined;
}

const project = (
  tf: TensorFlow,
  { encoder, task }: Classifier,
  { layer, x, adapters }: Projection,
): Tensor2D => {
  const { projection } = encoder.layers[layer]!;
  if (adapters === undefined) return dense(tf, projection)(x);
  const { width, heads } = encoder.config;
  const scale = task.lora.alpha / task.lora.rank;
  const scales = { query: scale * attentionScale(width, heads), value: scale };
  const inputIsTrained = layer > firstTrainedLayer(encoder.config, task);
  return projectWithAdapters(tf, { projection, scales, inputIsTrained }, x, adapters);
};

/** The mean over a row's tokens, scaled to length 1: [rows, width]. */
export const meanDirection = (
  tf: TensorFlow,
  x: Tensor2D,
  { shape: { rows, length, width }, mask }: { readonly shape: AttentionShape; readonly mask: Tensor4D },
): Tensor2D => {
  // Length 1 makes the number of tokens cancel: the sum has the direction of the mean.
  const isToken = tf.reshape(tf.cast(tf.equal(mask, 0), "float32"), [rows, 1, length]);
  const sum = tf.reshape(tf.matMul(isToken, tf.reshape(x, [rows, length, width])), [rows, width]);
  return tf.mul(sum, tf.rsqrt(tf.sum(tf.square(sum), 1, true)));
};
