/** What stands between the two projections of the feed-forward part. */
import type { Tensor, Tensor2D, TensorFlow } from "@bulkhead/compute";
import type { Activation } from "./model-shape.ts";
import type { Pass, Stepped } from "./pass.ts";

/** silu(gate) · up, with the gradients of both. */
export const gatedSilu = (
  { tf, keep }: Pass,
  gate: Tensor2D,
  up: Tensor2D,
): { readonly y: Tensor2D; readonly back: (dy: Tensor2D) => readonly [Tensor2D, Tensor2D] } => {
  keep(up);
  const share = keep(tf.sigmoid(gate));
  const silu = keep(tf.mul<Tensor2D>(gate, share));
  return {
    y: tf.mul(silu, up),
    back: (dy) => {
      // silu′ = s + silu (1 − s)
      const slope = tf.add(share, tf.sub(silu, tf.mul(silu, share)));
      return [tf.mul(tf.mul(dy, up), slope), tf.mul(dy, silu)];
    },
  };
};

export const activate = ({ tf, keep }: Pass, kind: Activation, x: Tensor2D): Stepped => {
  keep(x);
  const { value, slope } = CURVES[kind](tf, x);
  return { y: value(), back: (dy) => tf.mul(dy, slope()) };
};

interface Curve {
  readonly value: () => Tensor2D;
  readonly slope: () => Tensor2D;
}

const ROOT_2_OVER_PI = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

const CURVES: Readonly<Record<Activation, (tf: TensorFlow, x: Tensor2D) => Curve>> = {
  silu: (tf, x) => ({
    value: () => tf.mul(x, tf.sigmoid(x)),
    slope: () => {
      const share = tf.sigmoid(x);
      return tf.mul(share, tf.add(1, tf.mul(x, tf.sub(1, share))));
    },
  }),
  gelu: (tf, x) => {
    /** The normal distribution's function. */
    const below = (): Tensor => tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
    return {
      value: () => tf.mul(x, below()),
      slope: () => {
        const density = tf.mul(1 / Math.sqrt(2 * Math.PI), tf.exp(tf.mul(-0.5, tf.square(x))));
        return tf.add(below(), tf.mul(x, density));
      },
    };
  },
  "gelu-tanh": (tf, x) => {
    const bend = (): Tensor => {
      const square = tf.mul(CUBIC, tf.square(x));
      return tf.tanh(tf.mul(tf.mul(x, tf.add(1, square)), ROOT_2_OVER_PI));
    };
    return {
      value: () => tf.mul(tf.mul(0.5, x), tf.add(1, bend())),
      slope: () => {
        const t = bend();
        const inner = tf.mul(ROOT_2_OVER_PI, tf.add(1, tf.mul(3 * CUBIC, tf.square(x))));
        const bell = tf.mul(tf.sub(1, tf.square(t)), inner);
        return tf.mul(0.5, tf.add(tf.add(1, t), tf.mul(x, bell)));
      },
    };
  },
};
