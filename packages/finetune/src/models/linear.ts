/** A frozen projection with or without an adapter beside it, and the adapter's gradients at low rank. */
import type { Tensor, Tensor1D, Tensor2D } from "@bulkhead/compute";
import type { Pass, Stepped } from "./pass.ts";

export interface LinearWeights {
  /** As it stands in files: [out, in], or [in, out] where `inputsFirst`. */
  readonly kernel: Tensor2D;
  readonly inputsFirst: boolean;
  readonly bias?: Tensor1D;
}

/** The factors of one adapter [HSW+21]: the weight changes by B A, where A is [rank, in] and B, scaled, [out, rank]. */
export interface Adapter {
  readonly a: Tensor2D;
  readonly b: Tensor2D;
  /** A is not trained [SLH+24, FFA-LoRA]. */
  readonly frozenA: boolean;
  /** Multiplies the adapter's input, of this shape, while training: 0 for what is dropped. */
  readonly dropout?: (shape: readonly [number, number]) => Tensor2D;
  /** Takes the gradients on the way back. */
  readonly onGradients: (gradients: { readonly a: Tensor | undefined; readonly b: Tensor }) => void;
}

/** x W + b, and with an adapter + (x Aᵀ) Bᵀ. */
export const linear = (
  pass: Pass,
  { kernel, inputsFirst, bias }: LinearWeights,
  adapter: Adapter | undefined,
  x: Tensor2D,
): Stepped => {
  const { tf } = pass;
  const product = tf.matMul<Tensor2D>(x, kernel, false, !inputsFirst);
  const plain = bias === undefined ? product : tf.add<Tensor2D>(product, bias);
  const frozenBack = (dy: Tensor2D): Tensor2D => tf.matMul<Tensor2D>(dy, kernel, false, inputsFirst);
  if (adapter === undefined) return { y: plain, back: frozenBack };
  const added = adapterStep(pass, adapter, x);
  return {
    y: tf.add(plain, added.y),
    back: (dy) => tf.add<Tensor2D>(frozenBack(dy), added.back(dy)),
  };
};

const adapterStep = ({ tf, keep }: Pass, adapter: Adapter, input: Tensor2D): Stepped => {
  const { a, b, frozenA, dropout, onGradients } = adapter;
  const mask = dropout && keep(dropout(input.shape));
  const x = keepUnless(frozenA, keep, mask === undefined ? input : tf.mul<Tensor2D>(input, mask));
  const low = keep(tf.matMul<Tensor2D>(x, a, false, true));
  return {
    y: tf.matMul(low, b, false, true),
    back: (dy) => {
      const dLow = tf.matMul<Tensor2D>(dy, b);
      onGradients({
        a: frozenA ? undefined : tf.matMul(dLow, x, true, false),
        b: tf.matMul(dy, low, true, false),
      });
      const dx = tf.matMul<Tensor2D>(dLow, a);
      return mask === undefined ? dx : tf.mul<Tensor2D>(dx, mask);
    },
  };
};

const keepUnless = (not: boolean, keep: Pass["keep"], tensor: Tensor2D): Tensor2D =>
  not ? tensor : keep(tensor);
