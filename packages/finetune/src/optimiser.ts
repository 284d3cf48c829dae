/** Optimisers on one flat tensor: a handful of kernels a step, however many tensors there are. */
import type { Tensor1D, TensorFlow } from "@bulkhead/compute";
import { assertNever } from "@bulkhead/base";
import type { Optimiser, TrainState } from "./trainer.ts";

export interface OptimiserRun {
  /** Gives the next parameters and disposes of those before; the gradient stays with the caller. */
  readonly step: (parameters: Tensor1D, gradient: Tensor1D, learningRate: number) => Tensor1D;
  /** What it remembers of earlier steps, in the order in which {@link startOptimiser} takes it back; nothing before the first. */
  readonly moments: () => Promise<readonly Float32Array[]>;
  readonly close: () => void;
}

export type OptimiserState = Pick<TrainState, "step" | "moments">;

/** With fresh state, or as it stood after so many steps. */
export const startOptimiser = (
  tf: TensorFlow,
  optimiser: Optimiser,
  from: OptimiserState = { step: 0, moments: [] },
): OptimiserRun => {
  switch (optimiser.type) {
    case "adam":
      return startAdam(tf, optimiser, from);
    case "sgd":
      return optimiser.momentum ? startMomentum(tf, optimiser.momentum, from) : plainDescent(tf);
    default:
      return assertNever(optimiser);
  }
};

const plainDescent = (tf: TensorFlow): OptimiserRun => ({
  step: (parameters, gradient, learningRate) => {
    const next = tf.tidy(() => tf.sub<Tensor1D>(parameters, tf.mul(gradient, learningRate)));
    parameters.dispose();
    return next;
  },
  moments: async () => [],
  close: () => {},
});

/** Polyak's heavy ball, as PyTorch has it: the velocity is a sum of gradients, not a mean. */
const startMomentum = (tf: TensorFlow, momentum: number, from: OptimiserState): OptimiserRun => {
  let velocity: Tensor1D | undefined = from.moments[0] && tf.tensor1d(from.moments[0]);
  const close = () => {
    velocity?.dispose();
    velocity = undefined;
  };
  const step: OptimiserRun["step"] = (parameters, gradient, learningRate) => {
    const { fresh, next } = tf.tidy(() => {
      const sum =
        velocity === undefined ? tf.clone(gradient) : tf.add<Tensor1D>(tf.mul(velocity, momentum), gradient);
      return { fresh: sum, next: tf.sub<Tensor1D>(parameters, tf.mul(sum, learningRate)) };
    });
    close();
    parameters.dispose();
    velocity = fresh;
    return next;
  };
  const moments = async () => (velocity === undefined ? [] : [await velocity.data<"float32">()]);
  return { step, moments, close };
};

/** [KB15, algorithm 1], with decay as in [LH19, algorithm 2]. */
const startAdam = (
  tf: TensorFlow,
  { beta1, beta2, epsilon, weightDecay = 0 }: Extract<Optimiser, { type: "adam" }>,
  from: OptimiserState,
): OptimiserRun => {
  const [kept1, kept2] = from.moments;
  let kept: { readonly first: Tensor1D; readonly second: Tensor1D } | undefined = kept1 &&
    kept2 && { first: tf.tensor1d(kept1), second: tf.tensor1d(kept2) };
  let steps = from.step;
  const close = () => {
    kept?.first.dispose();
    kept?.second.dispose();
    kept = undefined;
  };
  const step: OptimiserRun["step"] = (parameters, gradient, learningRate) => {
    steps++;
    const { first, second, next } = tf.tidy(() => {
      const blend = (old: Tensor1D | undefined, fresh: Tensor1D, beta: number) => {
        const added = tf.mul<Tensor1D>(fresh, 1 - beta);
        return old === undefined ? added : tf.add<Tensor1D>(tf.mul(old, beta), added);
      };
      const m = blend(kept?.first, gradient, beta1);
      const v = blend(kept?.second, tf.square(gradient), beta2);
      const deviation = tf.add(tf.mul(tf.sqrt(v), 1 / Math.sqrt(1 - beta2 ** steps)), epsilon);
      const change = tf.mul(tf.div(m, deviation), learningRate / (1 - beta1 ** steps));
      const decayed =
        weightDecay === 0 ? parameters : tf.mul<Tensor1D>(parameters, 1 - learningRate * weightDecay);
      return { first: m, second: v, next: tf.sub<Tensor1D>(decayed, change) };
    });
    close();
    parameters.dispose();
    kept = { first, second };
    return next;
  };
  const moments = async () =>
    kept === undefined ? [] : [await kept.first.data<"float32">(), await kept.second.data<"float32">()];
  return { step, moments, close };
};

/** Against a division by 0, as in PyTorch. */
const NORM_EPSILON = 1e-6;

/** The gradient shortened to at most `mostNorm`; disposes of its argument. */
export const clippedByNorm = (tf: TensorFlow, gradient: Tensor1D, mostNorm: number): Tensor1D => {
  const clipped = tf.tidy(() => {
    const norm = tf.sqrt(tf.sum(tf.square(gradient)));
    const factor = tf.minimum(1, tf.div(mostNorm, tf.add(norm, NORM_EPSILON)));
    return tf.mul<Tensor1D>(gradient, factor);
  });
  gradient.dispose();
  return clipped;
};
