/**
 * Kernels that tfjs-backend-wasm 4.22.0 lacks (gradients of gather and of convolutions, einsum) or gets wrong without an
 * error, always or in some calls: those run on the plain JavaScript backend, on copies. Right but slow.
 */
import { invariant } from "@bulkhead/base";
import type { MathBackendCPU } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { refuseCutWindows } from "./avg-pool.ts";
import {
  isOfIntegers,
  type Kernel,
  type KernelCall,
  kernelOf,
  replaceKernel,
  replaceWhere,
} from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";

const MISSING_OR_WRONG = [
  "UnsortedSegmentSum",
  "Conv2DBackpropFilter",
  "DepthwiseConv2dNativeBackpropInput",
  "DepthwiseConv2dNativeBackpropFilter",
  // Of windows without a positive value.
  "MaxPoolGrad",
  "Einsum",
];

const WRONG_WHERE: Readonly<Record<string, (call: KernelCall) => boolean>> = {
  // Through floats, or bit by bit as if they were some.
  Abs: isOfIntegers,
  ClipByValue: isOfIntegers,
  FloorDiv: isOfIntegers,
  Neg: isOfIntegers,
  GatherV2: ({ attrs }) => attrs?.["batchDims"] !== 0,
  // Integers are written whatever type is asked for.
  OneHot: ({ attrs }) => attrs?.["dtype"] !== "int32",
  // Only the lowest byte is looked at.
  Cast: ({ attrs }) => attrs?.["dtype"] === "bool",
};

/** `cpu` is itself repaired. */
export const repairKernels = (tf: TensorFlow, wasm: BackendWasm, cpu: MathBackendCPU): void => {
  const borrowed = (name: string): Kernel => onCpu(kernelOf(tf, "cpu", name), cpu, wasm);
  for (const name of MISSING_OR_WRONG) replaceKernel(tf, "wasm", name, borrowed(name));
  for (const [name, isWrong] of Object.entries(WRONG_WHERE))
    replaceWhere(tf, ["wasm", name], isWrong, borrowed(name));
  refuseCutWindows(tf, "wasm");
};

const onCpu = (kernel: Kernel, cpu: MathBackendCPU, wasm: BackendWasm): Kernel => {
  const toCpu = ({ shape, dtype, dataId }: TensorInfo) =>
    cpu.makeTensorInfo(shape, dtype, wasm.readSync(dataId));
  const toWasm = ({ shape, dtype, dataId }: TensorInfo) =>
    wasm.makeOutput(shape, dtype, undefined, ofType(cpu.readSync(dataId), dtype));
  return ({ inputs, attrs }: KernelCall) => {
    const copies = Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, toCpu(input!)]));
    // Einsum takes a list, and a list is what it must find.
    const given = Array.isArray(inputs) ? Object.assign([], copies) : copies;
    const result = kernel({ inputs: given, ...(attrs === undefined ? {} : { attrs }), backend: cpu });
    const results = Array.isArray(result) ? result : [result];
    const moved = results.map(toWasm);
    for (const { dataId } of [...results, ...Object.values(copies)]) cpu.disposeData(dataId, true);
    return Array.isArray(result) ? moved : moved[0]!;
  };
};

/** The memory of wasm takes bytes as they are, and the cpu backend has integers and bools in arrays of floats too. */
const ofType = (values: ReturnType<MathBackendCPU["readSync"]>, dtype: TensorInfo["dtype"]) => {
  invariant(ArrayBuffer.isView(values), "numbers are in a typed array");
  if (dtype === "int32") return values instanceof Int32Array ? values : Int32Array.from(values);
  if (dtype === "bool") return values instanceof Uint8Array ? values : Uint8Array.from(values);
  return values instanceof Float32Array ? values : Float32Array.from(values);
};
