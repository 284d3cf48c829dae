/** Multi-head self-attention over padded batches, from the joint projection to the joint context, as one step. */
import type { Tensor, Tensor2D, Tensor4D, TensorFlow } from "@bulkhead/compute";
import { taped } from "./dense.ts";

export interface BatchShape {
  readonly rows: number;
  /** Tokens of the longest row; shorter ones are padded. */
  readonly length: number;
}

export interface AttentionShape extends BatchShape {
  readonly heads: number;
  readonly width: number;
}

/**
 * From [rows · length, 3 · width], query, key and value side by side with 1/√d already in the query, to
 * [rows · length, width]. `mask` is added to the scores: 0 for a token, a large negative number for padding.
 */
export const selfAttention = (
  tf: TensorFlow,
  shape: AttentionShape,
  mask: Tensor4D,
): ((qkv: Tensor2D) => Tensor2D) =>
  taped(tf, {
    value: (qkv, save) => {
      const [q, k, v] = toHeads(tf, qkv, shape);
      const p = tf.softmax(tf.add<Tensor4D>(tf.matMul(q, k, false, true), mask));
      save([q, k, v, p]);
      return fromHeads(tf, tf.matMul(p, v), shape);
    },
    gradient: (dy, saved) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `value` saved
      const [q, k, v, p] = saved as unknown as [Tensor4D, Tensor4D, Tensor4D, Tensor4D];
      const dContext = contextToHeads(tf, dy, shape);
      const dp = tf.matMul(dContext, v, false, true);
      const pdp = tf.mul<Tensor4D>(p, dp);
      const ds = tf.sub<Tensor4D>(pdp, tf.mul(p, tf.sum(pdp, -1, true)));
      const dq = tf.matMul(ds, k);
      const dk = tf.matMul(ds, q, true, false);
      const dv = tf.matMul(p, dContext, true, false);
      return jointGradient(tf, [dq, dk, dv], shape);
    },
  });

/** Query, key and value, [rows, heads, length, width / heads] each. */
const toHeads = (
  tf: TensorFlow,
  qkv: Tensor2D,
  { rows, length, heads, width }: AttentionShape,
): [Tensor4D, Tensor4D, Tensor4D] => {
  const apart = tf.transpose(tf.reshape(qkv, [rows, length, 3, heads, width / heads]), [2, 0, 3, 1, 4]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the first side is 3
  return tf.unstack(apart) as [Tensor4D, Tensor4D, Tensor4D];
};

const jointGradient = (tf: TensorFlow, parts: Tensor[], { rows, length, width }: AttentionShape): Tensor2D =>
  tf.reshape(tf.transpose(tf.stack(parts), [1, 3, 0, 2, 4]), [rows * length, 3 * width]);

const contextToHeads = (
  tf: TensorFlow,
  context: Tensor2D,
  { rows, length, heads, width }: AttentionShape,
): Tensor4D => tf.transpose(tf.reshape(context, [rows, length, heads, width / heads]), [0, 2, 1, 3]);

const fromHeads = (tf: TensorFlow, context: Tensor4D, { rows, length, width }: AttentionShape): Tensor2D =>
  tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [rows * length, width]);
