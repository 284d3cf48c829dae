/**
 * Integers on tfjs-backend-webgpu 4.22.0: each kernel that is given some is exact modulo 2^32, or refuses. The stock
 * ones take them through single precision, and where tensors are small hide it, because those run on the processor.
 */
import { invariant } from "@bulkhead/base";
import { type Kernel, type KernelCall, kernelOf } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";
import { inHalves, MOVES, refuseLongSides } from "./webgpu-moves.ts";
import { gpuOf, isInteger, runForEach } from "./webgpu-programs.ts";
import { REDUCTIONS, reduceExactly } from "./webgpu-reduce.ts";

/** Values by an expression in WGSL, which wraps around as it should. */
const FOR_EACH: Readonly<Record<string, string>> = {
  Add: "a + b",
  Sub: "a - b",
  Multiply: "a * b",
  SquaredDifference: "(a - b) * (a - b)",
  Maximum: "max(a, b)",
  Minimum: "min(a, b)",
  // WGSL divides towards zero.
  FloorDiv: "a / b - select(0, 1, a % b != 0 && (a < 0) != (b < 0))",
  Mod: "a % b + select(0, b, a % b != 0 && (a < 0) != (b < 0))",
  Neg: "0 - a",
  Abs: "abs(a)",
  Square: "a * a",
  Sign: "sign(a)",
  Relu: "max(a, 0)",
  Step: "select(0, 1, a > 0)",
  Round: "a",
};

const COMPARISONS: Readonly<Record<string, string>> = {
  Equal: "a == b",
  NotEqual: "a != b",
  Less: "a < b",
  LessEqual: "a <= b",
  Greater: "a > b",
  GreaterEqual: "a >= b",
};

/** Which operands are the numbers of rows or classes, where the others are floats. */
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  OneHot: ["indices"],
  ScatterNd: ["indices"],
  SparseToDense: ["sparseIndices"],
  UnsortedSegmentSum: ["segmentIds"],
};

/** They touch no value, or give floats for what they were given as such. */
const HARMLESS = new Set([
  "Cast",
  "ExpandDims",
  "Identity",
  "Mean",
  "OnesLike",
  "Reshape",
  "Transpose",
  "ZerosLike",
]);

/** The kernel in force for calls without integers, and one that is exact or refuses for those with. */
export const exactKernel = (tf: TensorFlow, name: string): Kernel => {
  const stock = kernelOf(tf, "webgpu", name);
  const exact = exactVersion(tf, name, stock);
  return (call) => (hasIntegers(call) || call.attrs?.["dtype"] === "int32" ? exact(call) : stock(call));
};

const hasIntegers = ({ inputs }: KernelCall): boolean => Object.values(inputs).some(isInteger);

const exactVersion = (tf: TensorFlow, name: string, stock: Kernel): Kernel => {
  const code = FOR_EACH[name] ?? COMPARISONS[name];
  if (code !== undefined) return forEach(tf, code, name in COMPARISONS ? "bool" : "int32");
  const moved = MOVES[name];
  if (moved !== undefined) return inHalves(stock, moved);
  const reduction = REDUCTIONS[name];
  if (reduction !== undefined) return reduceExactly(tf, reduction);
  if (HARMLESS.has(name)) return stock;
  return OTHERS[name]?.(stock) ?? onlyNumbers(stock, NUMBERS[name] ?? []);
};

const forEach =
  (tf: TensorFlow, code: string, dtype: "int32" | "bool"): Kernel =>
  (call) => {
    const { x, a = x, b } = call.inputs;
    invariant(a !== undefined, "a kernel has an operand");
    const operands = b === undefined ? [a] : [a, b];
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, (b ?? a).shape);
    return runForEach(gpuOf(call), operands, code, { shape, dtype });
  };

const onlyNumbers =
  (stock: Kernel, allowed: readonly string[]): Kernel =>
  (call) => {
    if (Object.entries(call.inputs).some(([key, x]) => isInteger(x) && !allowed.includes(key)))
      throw new Error(
        "not of int32, which it would round to 24 bits: cast to float32, or use the cpu backend",
      );
    refuseLongSides(call, () => true);
    return stock(call);
  };

const OTHERS: Readonly<Record<string, (stock: Kernel) => Kernel>> = {
  ClipByValue: () => (call) => {
    const { x } = call.inputs;
    const [least, most] = [Number(call.attrs?.["clipValueMin"]), Number(call.attrs?.["clipValueMax"])];
    return runForEach(gpuOf(call), [x!], `clamp(a, ${integerCode(least)}, ${integerCode(most)})`, {
      shape: x!.shape,
      dtype: "int32",
    });
  },
  Fill: () => (call) => {
    const { shape, value } = call.attrs ?? {};
    invariant(Array.isArray(shape), "Fill has a shape");
    const sides = shape.map(Number);
    const size = sides.reduce((product, side) => product * side, 1);
    return gpuOf(call).makeTensorInfo(sides, "int32", new Int32Array(size).fill(Number(value)));
  },
};

/** WGSL reads `-2147483648` as the negation of a number that is too large. */
const integerCode = (value: number): string => {
  const least = -(2 ** 31);
  const bounded = Math.min(Math.max(Math.trunc(value), least), 2 ** 31 - 1);
  return bounded === least ? "(-2147483647 - 1)" : `(${bounded})`;
};
