/**
 * Forward and back without a tape: each step gives its value and the function that takes the gradient back through it.
 * What that function needs is marked as it is computed, so that everything else is freed at once and nothing of a frozen
 * weight's gradient is computed; and a layer can be run again instead of being kept.
 */
import type { Tensor, Tensor2D, TensorFlow } from "@bulkhead/compute";

export interface Pass {
  readonly tf: TensorFlow;
  /** Keeps a tensor for the way back, also beyond the tidy scope in which it was made. */
  readonly keep: <T extends Tensor>(tensor: T) => T;
}

/** A pass whose way back nobody takes. */
export const forwardOnly = (tf: TensorFlow): Pass => ({ tf, keep: (tensor) => tensor });

export interface RecordedPass extends Pass {
  /** Of what is kept. */
  readonly bytes: () => number;
  /** Frees what is kept. */
  readonly free: () => void;
}

export const recordedPass = (tf: TensorFlow): RecordedPass => {
  const kept = new Set<Tensor>();
  return {
    tf,
    keep: (tensor) => {
      kept.add(tf.keep(tensor));
      return tensor;
    },
    bytes: () => [...kept].reduce((sum, { size }) => sum + 4 * size, 0),
    free: () => {
      for (const tensor of kept) tensor.dispose();
      kept.clear();
    },
  };
};

/** From the gradient of the output to that of the input. */
export type Back = (dy: Tensor2D) => Tensor2D;

/** A value of [rows, width] and the way back from it. */
export interface Stepped {
  readonly y: Tensor2D;
  readonly back: Back;
}
