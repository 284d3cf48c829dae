/**
 * Sums, products and extremes of integers, exact modulo 2^32, which tfjs-backend-webgpu 4.22.0 rounds to 24 bits; and
 * `all` and `any`, whose shaders there do not compile.
 */
import { invariant } from "@bulkhead/base";
import type { Kernel, KernelCall } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import { gpuOf, type Reduction, runReduction, runTransposed } from "./webgpu-programs.ts";

export const REDUCTIONS: Readonly<Record<string, Reduction>> = {
  Sum: { from: "0", step: "total + value", dtype: "int32" },
  Prod: { from: "1", step: "total * value", dtype: "int32" },
  Max: { from: "-2147483647 - 1", step: "max(total, value)", dtype: "int32" },
  Min: { from: "2147483647", step: "min(total, value)", dtype: "int32" },
  All: { from: "1", step: "min(total, value)", dtype: "bool" },
  Any: { from: "0", step: "max(total, value)", dtype: "bool" },
};

export const reduceExactly =
  (tf: TensorFlow, reduction: Reduction): Kernel =>
  (call) => {
    const { x } = call.inputs;
    invariant(x !== undefined, "a reduction has an operand");
    const axes = tf.util.parseAxisParam(axesOf(call, x), x.shape);
    const permutation = tf.backend_util.getAxesPermutation(axes, x.shape.length);
    const turned = permutation === null ? x : runTransposed(gpuOf(call), x, permutation);
    const [left, reduced] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    const shape = call.attrs?.["keepDims"] === true ? tf.backend_util.expandShapeToKeepDim(left, axes) : left;
    const inner = reduced.reduce((product, side) => product * side, 1);
    const result = runReduction(gpuOf(call), turned, { reduction, inner, shape });
    if (turned !== x) gpuOf(call).disposeData(turned.dataId);
    return result;
  };

/** `Max` has another name for them; none means all. */
const axesOf = ({ attrs }: KernelCall, x: TensorInfo): number[] => {
  const axes = attrs?.["axis"] ?? attrs?.["reductionIndices"];
  return axes === undefined || axes === null ? [...x.shape.keys()] : [axes].flat().map(Number);
};
