/** The loss of a batch of texts and its gradient with respect to the adapters: one local step but for the optimiser. */
import type { Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";
import { crossEntropy } from "./cross-entropy.ts";
import { type Answers, answersOf, type LanguageBatch } from "./language-rows.ts";
import type { LoadedModel } from "./load-model.ts";
import { modelStep, type StepSetting } from "./model-step.ts";
import { norm } from "./norm-steps.ts";
import { forwardOnly, recordedPass } from "./pass.ts";

export interface LanguageStep {
  /** Of each answer, in their order in the batch. */
  readonly losses: Tensor1D;
  /** Of the sum of the losses, flat. */
  readonly gradient: Tensor1D;
  readonly rerun: number;
}

/** `prefix` is as in {@link modelStep}. */
export const languageStep = (
  tf: TensorFlow,
  setting: StepSetting,
  parameters: Tensor1D,
  { batch, prefix }: { readonly batch: LanguageBatch; readonly prefix?: Tensor2D },
): LanguageStep => {
  const answers = answersOf(batch);
  const { result, gradient, rerun } = modelStep(tf, setting, parameters, {
    batch,
    ...(prefix === undefined ? {} : { prefix }),
    head: (y) => headStep(tf, setting.adapted.model, y, answers),
  });
  return { losses: result, gradient, rerun };
};

/** Only answers reach the head. */
const headStep = (tf: TensorFlow, model: LoadedModel, y: Tensor2D, { places, labels }: Answers) => {
  const pass = recordedPass(tf);
  const step = tf.tidy(() => {
    const chosen = tf.gather(y, tf.tensor1d(places, "int32"));
    const last = model.finalNorm === undefined ? undefined : norm(pass, model.finalNorm, chosen);
    const { losses, gradient } = crossEntropy(tf, last?.y ?? chosen, model.head!, labels);
    const dChosen = last === undefined ? gradient : last.back(gradient);
    return { result: losses, gradient: spread(tf, dChosen, places, y.shape[0]) };
  });
  pass.free();
  return step;
};

/** Rows to their places among zeros, by the inverse of the places: no backend adds anything up. */
const spread = (tf: TensorFlow, rows: Tensor2D, places: Int32Array, length: number): Tensor2D => {
  const [count, width] = rows.shape;
  const inverse = new Int32Array(length).fill(count);
  for (const [i, place] of places.entries()) inverse[place] = i;
  return tf.gather(tf.concat2d([rows, tf.zeros([1, width])], 0), tf.tensor1d(inverse, "int32"));
};

/** The last hidden states at `places`, as the head takes them: [places, width]. */
export const hiddenAt = (tf: TensorFlow, model: LoadedModel, x: Tensor2D, places: Int32Array): Tensor2D =>
  tf.tidy(() => {
    const chosen = tf.gather(x, tf.tensor1d(places, "int32"));
    return model.finalNorm === undefined ? chosen : norm(forwardOnly(tf), model.finalNorm, chosen).y;
  });

/** Logits after each token at `places`, [places, vocabulary]. */
export const logitsAt = (tf: TensorFlow, model: LoadedModel, x: Tensor2D, places: Int32Array): Tensor2D =>
  tf.tidy(() => tf.matMul(hiddenAt(tf, model, x, places), model.head!, false, true));
