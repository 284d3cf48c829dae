/**
 * The layers of an encoder as single steps of the tape, each with its gradient written down: a frozen weight needs no
 * gradient, so most of what automatic differentiation would do here is left out.
 */
import type { Tensor, Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";

export interface Dense {
  /** [in, out]. */
  readonly kernel: Tensor2D;
  readonly bias: Tensor1D;
}

export interface Norm {
  readonly scale: Tensor1D;
  readonly shift: Tensor1D;
  readonly epsilon: number;
}

/** A function of one tensor with its gradient: `save` hands values from one to the other. */
export interface Step {
  readonly value: (x: Tensor2D, save: (tensors: Tensor[]) => void) => Tensor2D;
  readonly gradient: (dy: Tensor2D, saved: Tensor2D[]) => Tensor2D;
}

/** The step as one function on the tape. */
export const taped = (tf: TensorFlow, { value, gradient }: Step): ((x: Tensor2D) => Tensor2D) =>
  tf.customGrad<Tensor2D>((x, save) => ({
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the tape gives the one input and the function that saves
    value: value(x as Tensor2D, save as (tensors: Tensor[]) => void),
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `value` saved
    gradFunc: (dy: Tensor2D, saved: Tensor[]) => gradient(dy, saved as Tensor2D[]),
  }));

/** x W + b. */
export const affine = (tf: TensorFlow, x: Tensor2D, { kernel, bias }: Dense): Tensor2D =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the product of two matrices is one
  tf.fused.matMul({ a: x, b: kernel, bias }) as Tensor2D;

export const dense = (tf: TensorFlow, weights: Dense): ((x: Tensor2D) => Tensor2D) =>
  taped(tf, {
    value: (x) => affine(tf, x, weights),
    gradient: (dy) => tf.matMul(dy, weights.kernel, false, true),
  });

const LOG_2_OVER_ROOT_PI = Math.log(2 / Math.sqrt(Math.PI));

/**
 * u (1 + erf u). With u = x/√2 it is √2 · gelu(x): the layers before and after carry the factors in their weights,
 * which saves two passes over the widest tensor.
 */
export const scaledGelu = (tf: TensorFlow): ((u: Tensor2D) => Tensor2D) =>
  taped(tf, {
    value: (u, save) => {
      const share = tf.add<Tensor2D>(tf.erf(u), 1);
      save([u, share]);
      return tf.mul(u, share);
    },
    gradient: (dy, [u, share]) => {
      const bell = tf.exp(tf.sub<Tensor2D>(LOG_2_OVER_ROOT_PI, tf.square(u!)));
      return tf.mul(dy, tf.add(share!, tf.mul(u!, bell)));
    },
  });

/** Each row to mean 0 and variance 1, then scaled and shifted. */
export const layerNorm = (tf: TensorFlow, { scale, shift, epsilon }: Norm): ((x: Tensor2D) => Tensor2D) =>
  taped(tf, {
    value: (x, save) => {
      const centred = tf.sub<Tensor2D>(x, tf.mean(x, 1, true));
      const inverse = tf.rsqrt(tf.add<Tensor2D>(tf.mean(tf.square(centred), 1, true), epsilon));
      const unit = tf.mul<Tensor2D>(centred, inverse);
      save([unit, inverse]);
      return tf.add(tf.mul(unit, scale), shift);
    },
    gradient: (dy, [unit, inverse]) => {
      const d = tf.mul<Tensor2D>(dy, scale);
      const along = tf.mean(tf.mul(d, unit!), 1, true);
      const centred = tf.sub(d, tf.mean(d, 1, true));
      return tf.mul(tf.sub(centred, tf.mul(unit!, along)), inverse!);
    },
  });
