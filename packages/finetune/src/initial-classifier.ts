/** The model that a federation starts from: adapters that change nothing yet, and a head that has read the class names. */
import { InputError } from "@bulkhead/base";
import {
  type BackendPreference,
  openBackend,
  openKeystream,
  segmentNonce,
  type TensorFlow,
} from "@bulkhead/compute";
import { checkTask, classifierSpecs, meanDirection } from "./classifier.ts";
import { attentionMask, loadEncoder, runFrozen } from "./encoder.ts";
import { tensorsOf } from "./flat.ts";
import { readEncoderConfig, readWeights } from "./model-folder.ts";
import { tokenBatch } from "./prefix-cache.ts";
import { openTokenizer } from "./tokenizer.ts";
import { type ClassifierTask, parameterCount } from "./trainer.ts";

export interface InitialClassifierOptions {
  /** 32 bytes: fixes the adapters' random factors. */
  readonly seed: Uint8Array;
  /** For each class some texts that describe it. */
  readonly labelPhrases: readonly (readonly string[])[];
  readonly backend?: BackendPreference;
}

/**
 * A uniform in ±1/√width, B zero, each class's weight the direction of the mean over its phrases, biases zero: a
 * zero-shot classifier. The adapters are the same on every machine, the head to the accuracy of a backend.
 */
export const initialClassifier = async (
  modelFolder: string,
  task: ClassifierTask,
  { seed, labelPhrases, backend = "auto" }: InitialClassifierOptions,
): Promise<Float32Array> => {
  const config = await readEncoderConfig(modelFolder);
  checkTask(config, task);
  checkPhrases(task, labelPhrases);
  const specs = classifierSpecs(config, task);
  const flat = new Float32Array(parameterCount(specs));
  const tensors = new Map(tensorsOf(specs, flat).map(({ name, values }) => [name, values]));
  const random = uniform(seed, 1 / Math.sqrt(config.width));
  for (const [name, values] of tensors)
    if (name.includes("lora_A")) for (let i = 0; i < values.length; i++) values[i] = random();
  const tokenize = await openTokenizer(modelFolder, task.maxTokens);
  const { tf } = await openBackend(backend);
  const encoder = loadEncoder(tf, config, await readWeights(modelFolder));
  const directions = labelPhrases.map((phrases) => classDirection(tf, encoder, phrases.map(tokenize)));
  for (const [i, direction] of directions.entries())
    tensors.get("classifier.weight")!.set(direction, i * config.width);
  encoder.dispose();
  return flat;
};

const checkPhrases = (
  { classes }: ClassifierTask,
  phrases: InitialClassifierOptions["labelPhrases"],
): void => {
  if (phrases.length === classes && phrases.every((texts) => texts.length > 0)) return;
  throw new InputError({
    code: "label-phrases",
    place: "the label phrases",
    problem: `there must be at least one phrase for each of the ${classes} classes`,
    cure: "give a list of phrases for each class",
  });
};

/** Draws in −bound…bound from the keystream of the seed, 24 bits each. */
const uniform = (seed: Uint8Array, bound: number): (() => number) => {
  const stream = openKeystream({ key: seed, nonce: segmentNonce(0), offset: 0 });
  return () => {
    const bits = new DataView(stream.next(4).buffer).getUint32(0, true) >>> 8;
    return bound * ((bits + 0.5) / 2 ** 23 - 1);
  };
};

const classDirection = (
  tf: TensorFlow,
  encoder: ReturnType<typeof loadEncoder>,
  phrases: readonly Int32Array[],
): Float32Array =>
  tf.tidy(() => {
    const batch = tokenBatch(phrases);
    const { layers, heads, width } = encoder.config;
    const x = runFrozen(tf, encoder, batch, layers);
    const shape = { rows: batch.rows, length: batch.length, heads, width };
    const z = meanDirection(tf, x, { shape, mask: attentionMask(tf, batch) });
    const sum = tf.sum(z, 0);
    return tf.mul(sum, tf.rsqrt(tf.sum(tf.square(sum)))).dataSync<"float32">();
  });
