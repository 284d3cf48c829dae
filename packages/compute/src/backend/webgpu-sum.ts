/** Sums of integers modulo 2^32, which tfjs-backend-webgpu 4.22.0 rounds to 24 bits. */
import { invariant } from "@bulkhead/base";
import { type KernelCall, kernelOf } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import { gpuOf, runSums } from "./webgpu-programs.ts";

export const sumIntegers = (tf: TensorFlow, call: KernelCall): TensorInfo => {
  const backend = gpuOf(call);
  const { x } = call.inputs;
  const { axis, keepDims } = call.attrs ?? {};
  invariant(x !== undefined, "Sum has an operand");
  const axes = tf.util.parseAxisParam(
    typeof axis === "number" || Array.isArray(axis) ? [axis].flat().map(Number) : [...x.shape.keys()],
    x.shape,
  );
  const permutation = tf.backend_util.getAxesPermutation(axes, x.shape.length);
  const turned = permutation === null ? x : transposed(tf, call, permutation);
  const inner = axes.map((each) => x.shape[each]!).reduce((product, side) => product * side, 1);
  const [left] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
  const shape = keepDims === true ? tf.backend_util.expandShapeToKeepDim(left, axes) : left;
  const sums = runSums(backend, turned, inner, shape);
  if (turned !== x) backend.disposeData(turned.dataId);
  return sums;
};

const transposed = (tf: TensorFlow, { inputs, backend }: KernelCall, perm: readonly number[]): TensorInfo => {
  const result = kernelOf(
    tf,
    "webgpu",
    "Transpose",
  )({ inputs: { x: inputs["x"] }, attrs: { perm: [...perm] }, backend });
  invariant(!Array.isArray(result), "Transpose gives one tensor");
  return result;
};
