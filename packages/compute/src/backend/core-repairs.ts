/**
 * Gradients that tfjs-core 4.22.0 has wrong on every backend. Those of broadcast operands stop with an error there; that
 * of `cumsum` along another axis than the last comes out transposed, without one where the sides are equal; that of
 * `mirrorPad` leaves out what was mirrored, and is refused.
 */
import { invariant } from "@bulkhead/base";
import type { Tensor } from "@tensorflow/tfjs";
import { isFirstTime } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";

const OF_TWO = ["BatchMatMul", "Maximum", "Minimum", "SquaredDifference"];

export const repairCore = (tf: TensorFlow): void => {
  // The registry of gradients is the engine's, of which a thread has one.
  if (!isFirstTime(tf.engine())) return;
  for (const name of OF_TWO) sumOverBroadcast(tf, name);
  replaceGradient(tf, "Cumsum", [], (dy, _, { axis, exclusive, reverse }) => ({
    x: () => tf.cumsum(dy, Number(axis), Boolean(exclusive), reverse !== true),
  }));
  replaceGradient(tf, "MirrorPad", [], () => {
    throw new Error("MirrorPad: its gradient is wrong in TensorFlow.js and refused; use pad");
  });
};

type Gradients = Readonly<Record<string, () => Tensor>>;

const replaceGradient = (
  tf: TensorFlow,
  kernelName: string,
  inputsToSave: string[],
  gradientOf: (dy: Tensor, saved: readonly Tensor[], attrs: Readonly<Record<string, unknown>>) => Gradients,
): void => {
  tf.unregisterGradient(kernelName);
  tf.registerGradient({
    kernelName,
    inputsToSave,
    gradFunc: (dy, saved, attrs) => {
      invariant(!Array.isArray(dy), `${kernelName} gives one tensor`);
      return gradientOf(dy, saved, { ...attrs });
    },
  });
};

/** An operand that was given to many places of the result collects the gradients of all of them. */
const sumOverBroadcast = (tf: TensorFlow, kernelName: string): void => {
  const stock = tf.getGradient(kernelName)?.gradFunc;
  invariant(stock !== undefined, `tfjs-core has a gradient of ${kernelName}`);
  replaceGradient(tf, kernelName, ["a", "b"], (dy, saved, attrs) => {
    const [a, b] = saved;
    invariant(a !== undefined && b !== undefined, "both operands were saved");
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the attributes are those that came in
    const { a: ofA, b: ofB } = stock(dy, [...saved], attrs as Parameters<typeof stock>[2]);
    invariant(ofA !== undefined && ofB !== undefined, "both operands have a gradient");
    return { a: () => sumTo(tf, ofA(), a.shape), b: () => sumTo(tf, ofB(), b.shape) };
  });
};

const sumTo = (tf: TensorFlow, x: Tensor, shape: number[]): Tensor => {
  const axes = tf.broadcast_util.getReductionAxes(shape, x.shape);
  return axes.length === 0 ? x : tf.reshape(tf.sum(x, axes), shape);
};
