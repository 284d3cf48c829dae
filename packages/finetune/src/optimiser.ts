/** Optimisers on one flat tensor: a handful of kernels a step, however many tensors there are. */
import type { Tensor1D, TensorFlow } from "@bulkhead/compute";
import { assertNever } from "@bulkhead/base";
import type { Optimiser } from "./trainer.ts";

export interface OptimiserRun {
  /** Gives the next parameters and disposes of those before; the gradient stays with the caller. */
  readonly step: (parameters: Tensor1D, gradient: Tensor1D, learningRate: number) => Tensor1D;
  readonly close: () => void;
}

/** With fresh state. */
export const startOptimiser = (tf: TensorFlow, optimiser: Optimiser): OptimiserRun => {
  switch (optimiser.type) {
    case "adam":
      return startAdam(tf, optimiser);
    case "sgd":
      return {
        step: (parameters, gradient, learningRate) => {
          const next = tf.tidy(() => tf.sub<Tensor1D>(parameters, tf.mul(gradient, learningRate)));
          parameters.dispose();
          return next;
        },
        close: () => {},
      };
    default:
      return assertNever(optimiser);
  }
};

/** [KB15, algorithm 1]. */
const startAdam = (
  tf: TensorFlow,
  { beta1, beta2, epsilon }: Extract<Optimiser, { type: "adam" }>,
): OptimiserRun => {
  let moments: { readonly first: Tensor1D; readonly second: Tensor1D } | undefined;
  let steps = 0;
  const close = () => {
    moments?.first.dispose();
    moments?.second.dispose();
    moments = undefined;
  };
  const step: OptimiserRun["step"] = (parameters, gradient, learningRate) => {
    steps++;
    const { first, second, next } = tf.tidy(() => {
      const blend = (old: Tensor1D | undefined, fresh: Tensor1D, beta: number) => {
        const added = tf.mul<Tensor1D>(fresh, 1 - beta);
        return old === undefined ? added : tf.add<Tensor1D>(tf.mul(old, beta), added);
      };
      const m = blend(moments?.first, gradient, beta1);
      const v = blend(moments?.second, tf.square(gradient), beta2);
      const deviation = tf.add(tf.mul(tf.sqrt(v), 1 / Math.sqrt(1 - beta2 ** steps)), epsilon);
      const change = tf.mul(tf.div(m, deviation), learningRate / (1 - beta1 ** steps));
      return { first: m, second: v, next: tf.sub<Tensor1D>(parameters, change) };
    });
    close();
    parameters.dispose();
    moments = { first, second };
    return next;
  };
  return { step, close };
};
