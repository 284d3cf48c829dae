/**
 * Kernels that tfjs-backend-wasm 4.22.0 lacks (gradients of gather and of convolutions, einsum) or gets wrong (gradient
 * of maxPool, gather with batch dimensions): each runs on the plain JavaScript backend, on copies. Right but slow.
 */
import { invariant } from "@bulkhead/base";
import type { KernelConfig, MathBackendCPU } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";

type Kernel = KernelConfig["kernelFunc"];
type KernelCall = Parameters<Kernel>[0];

const MISSING_OR_WRONG = [
  "UnsortedSegmentSum",
  "Conv2DBackpropFilter",
  "DepthwiseConv2dNativeBackpropInput",
  "DepthwiseConv2dNativeBackpropFilter",
  "MaxPoolGrad",
  "Einsum",
];

export const repairKernels = (tf: TensorFlow, wasm: BackendWasm): void => {
  const cpu = tf.findBackend("cpu");
  invariant(cpu instanceof tf.MathBackendCPU, "the cpu backend is always there");
  for (const name of MISSING_OR_WRONG) replaceKernel(tf, name, onCpu(tf, { name, cpu, wasm }));
  const gather = tf.getKernel("GatherV2", "wasm")?.kernelFunc;
  invariant(gather !== undefined, "wasm has a GatherV2 kernel");
  const slowGather = onCpu(tf, { name: "GatherV2", cpu, wasm });
  replaceKernel(tf, "GatherV2", (call) =>
    call.attrs?.["batchDims"] === 0 ? gather(call) : slowGather(call),
  );
};

const replaceKernel = (tf: TensorFlow, kernelName: string, kernelFunc: Kernel): void => {
  if (tf.getKernel(kernelName, "wasm") !== undefined) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc });
};

interface Replacement {
  readonly name: string;
  readonly cpu: MathBackendCPU;
  readonly wasm: BackendWasm;
}

const onCpu = (tf: TensorFlow, { name, cpu, wasm }: Replacement): Kernel => {
  const kernel = tf.getKernel(name, "cpu")?.kernelFunc;
  invariant(kernel !== undefined, `cpu has a ${name} kernel`);
  const toCpu = ({ shape, dtype, dataId }: TensorInfo) =>
    cpu.makeTensorInfo(shape, dtype, wasm.readSync(dataId));
  const toWasm = ({ shape, dtype, dataId }: TensorInfo) =>
    wasm.makeOutput(shape, dtype, undefined, cpu.readSync(dataId));
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
