/** The two normalisations as steps. */
import type { Tensor1D, Tensor2D } from "@bulkhead/compute";
import type { Pass, Stepped } from "./pass.ts";

export interface NormWeights {
  /** Times the square root of the width: sums stand where means would, which saves a kernel each time. */
  readonly scale: Tensor1D;
  /** Of a layer norm; without it the norm is that of the root mean square [ZS19]. */
  readonly shift?: Tensor1D;
  /** Times the width. */
  readonly epsilon: number;
}

export const norm = (pass: Pass, weights: NormWeights, x: Tensor2D): Stepped => {
  const { scale, shift, epsilon } = weights;
  const { tf, keep } = pass;
  const centred = shift === undefined ? x : tf.sub<Tensor2D>(x, tf.mean(x, 1, true));
  const inverse = keep(tf.rsqrt(tf.add<Tensor2D>(tf.sum(tf.square(centred), 1, true), epsilon)));
  const unit = keep(tf.mul<Tensor2D>(centred, inverse));
  const scaled = tf.mul<Tensor2D>(unit, scale);
  return {
    y: shift === undefined ? scaled : tf.add(scaled, shift),
    back: (dy) => {
      const d = tf.mul<Tensor2D>(dy, scale);
      const along = tf.mul(unit, tf.sum(tf.mul(d, unit), 1, true));
      const across = shift === undefined ? d : tf.sub(d, tf.mean(d, 1, true));
      return tf.mul(tf.sub(across, along), inverse);
    },
  };
};
