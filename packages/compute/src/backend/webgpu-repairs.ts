/**
 * What tfjs-backend-webgpu 4.22.0 gets wrong without an error, repaired or refused by the kernel's name: integers, products
 * over a broadcast batch, sums of many tensors, sums that run backwards, and a few more.
 */
import { invariant } from "@bulkhead/base";
import { refuseCutWindows } from "./avg-pool.ts";
import { type Kernel, kernelOf, replaceKernel } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import { overWholeBatch } from "./webgpu-batch.ts";
import { exactKernel } from "./webgpu-integers.ts";
import { gpuOf, runForEach, runKernel, runTransposed } from "./webgpu-programs.ts";
import { REDUCTIONS, reduceExactly } from "./webgpu-reduce.ts";

export const repairWebgpuKernels = (tf: TensorFlow): void => {
  const names = tf.getKernelsForBackend("webgpu").map(({ kernelName }) => kernelName);
  for (const name of names) replaceKernel(tf, "webgpu", name, exactKernel(tf, name));
  for (const name of ["BatchMatMul", "_FusedMatMul"])
    replaceKernel(tf, "webgpu", name, overWholeBatch(tf, name));
  for (const name of ["Cumsum", "Cumprod"]) replaceKernel(tf, "webgpu", name, forwards(tf, name));
  for (const name of ["All", "Any"]) replaceKernel(tf, "webgpu", name, reduceExactly(tf, REDUCTIONS[name]!));
  replaceKernel(tf, "webgpu", "AddN", addFew(tf));
  replaceKernel(tf, "webgpu", "FloorDiv", divideFloats(tf));
  replaceKernel(tf, "webgpu", "Cast", castToFloats(tf));
  replaceKernel(tf, "webgpu", "Transpose", transposeIntegers(tf));
  refuseCutWindows(tf, "webgpu");
  for (const name of names) replaceKernel(tf, "webgpu", name, named(name, kernelOf(tf, "webgpu", name)));
};

/** Errors say whose they are. */
const named =
  (name: string, kernel: Kernel): Kernel =>
  (call) => {
    try {
      return kernel(call);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem.startsWith(name)) throw error;
      throw new Error(`${name} on webgpu: ${problem}`, { cause: error });
    }
  };

/** Running backwards, the stock kernels lose most of what they should bring along. */
const forwards = (tf: TensorFlow, name: string): Kernel => {
  const stock = kernelOf(tf, "webgpu", name);
  return (call) => {
    const { x } = call.inputs;
    if (x === undefined || call.attrs?.["reverse"] !== true) return stock(call);
    const dims = [Number(call.attrs["axis"])];
    const turned = runKernel(tf, "Reverse", call, x, { dims });
    const result = stock({ ...call, inputs: { x: turned }, attrs: { ...call.attrs, reverse: false } });
    invariant(!Array.isArray(result), `${name} gives one tensor`);
    const back = runKernel(tf, "Reverse", call, result, { dims });
    for (const { dataId } of [turned, result]) gpuOf(call).disposeData(dataId);
    return back;
  };
};

/** The stock kernel calls the result of floats int32. */
const divideFloats = (tf: TensorFlow): Kernel => {
  const ofIntegers = kernelOf(tf, "webgpu", "FloorDiv");
  return (call) => {
    const { a, b } = call.inputs;
    if (a?.dtype !== "float32" || b?.dtype !== "float32") return ofIntegers(call);
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    return runForEach(gpuOf(call), [a, b], "floor(a / b)", { shape, dtype: "float32" });
  };
};

/** The stock kernel hands whole numbers on as they are, under the name of floats. */
const castToFloats = (tf: TensorFlow): Kernel => {
  const stock = kernelOf(tf, "webgpu", "Cast");
  return (call) => {
    const { x } = call.inputs;
    if (x === undefined || !isWhole(x) || call.attrs?.["dtype"] !== "float32") return stock(call);
    return runForEach(gpuOf(call), [x], "a", { shape: x.shape, dtype: "float32" });
  };
};

/** The stock shader compiles for floats alone; what does not compile gives zeros. */
const transposeIntegers = (tf: TensorFlow): Kernel => {
  const stock = kernelOf(tf, "webgpu", "Transpose");
  return (call) => {
    const { x } = call.inputs;
    const perm = call.attrs?.["perm"];
    if (x === undefined || !isWhole(x) || !Array.isArray(perm)) return stock(call);
    return runTransposed(gpuOf(call), x, perm.map(Number));
  };
};

const isWhole = ({ dtype }: TensorInfo): boolean => dtype === "int32" || dtype === "bool";

/** A shader that reads more tensors than a device allows adds none of them. */
const MOST_ADDED = 8;

const addFew = (tf: TensorFlow): Kernel => {
  const stock = kernelOf(tf, "webgpu", "AddN");
  return (call) => {
    const inputs = Object.values(call.inputs);
    const isFloat = !inputs.some((x) => x?.dtype === "int32");
    if (inputs.length <= MOST_ADDED && isFloat) return stock(call);
    const [first, ...rest] = inputs;
    let sum = runKernel(tf, "Identity", call, first!, {});
    for (const x of rest) {
      const next = kernelOf(tf, "webgpu", "Add")({ inputs: { a: sum, b: x }, backend: call.backend });
      invariant(!Array.isArray(next), "Add gives one tensor");
      gpuOf(call).disposeData(sum.dataId);
      sum = next;
    }
    return sum;
  };
};
