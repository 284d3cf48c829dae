/** The model that a federation starts from: adapters that change nothing yet, and a head that has read the class names. */
import { InputError } from "@bulkhead/base";
import { type BackendPreference, openKeystream, segmentNonce } from "@bulkhead/compute";
import { checkTask, classifierSpecs } from "./classifier.ts";
import { tensorsOf } from "./flat.ts";
import { readEncoderConfig } from "./model-folder.ts";
import { textDirections } from "./text-directions.ts";
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
  const directions = await textDirections(modelFolder, labelPhrases.flat(), {
    maxTokens: task.maxTokens,
    backend,
  });
  let at = 0;
  for (const [i, { length }] of labelPhrases.entries()) {
    const direction = meanDirectionOf(directions.slice(at, (at += length)));
    tensors.get("classifier.weight")!.set(direction, i * config.width);
  }
  return flat;
};

const checkPhrases = (
  { classes }: ClassifierTask,
  phrases: InitialClassifierOptions["labelPhrases"],
): void => {
  if (phrases.length === classes && phrases.every((texts) => texts.length > 0)) return;
  throw new InputError({
    code: "config-label-phrases",
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

/** Their mean, scaled to length 1. */
const meanDirectionOf = (directions: readonly Float32Array[]): Float32Array => {
  const sum = directions[0]!.map((_, i) => directions.reduce((total, direction) => total + direction[i]!, 0));
  const length = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0));
  return sum.map((value) => value / length);
};
