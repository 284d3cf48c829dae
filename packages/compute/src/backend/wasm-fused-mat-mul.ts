/**
 * `fused.matMul` on the wasm backend: its kernel adds the bias in the wrong places where an operand is transposed or
 * there are several batches. All calls are put together from a product, which is the faster one, a sum and an activation.
 */
import { invariant } from "@bulkhead/base";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type Kernel, kernelOf, replaceKernel } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";

export const repairFusedMatMul = (tf: TensorFlow, wasm: BackendWasm): void =>
  replaceKernel(tf, "wasm", "_FusedMatMul", unfused(tf, wasm));

const ACTIVATIONS: Readonly<Record<string, string>> = {
  relu: "Relu",
  relu6: "Relu6",
  elu: "Elu",
  sigmoid: "Sigmoid",
  leakyrelu: "LeakyRelu",
  prelu: "Prelu",
};

const unfused =
  (tf: TensorFlow, wasm: BackendWasm): Kernel =>
  ({ inputs: { a, b, bias, preluActivationWeights }, attrs }) => {
    const run = (name: string, inputs: Readonly<Record<string, TensorInfo>>): TensorInfo => {
      const result = kernelOf(
        tf,
        "wasm",
        name,
      )({
        inputs: { ...inputs },
        attrs: { ...attrs, alpha: attrs?.["leakyreluAlpha"] ?? 0 },
        backend: wasm,
      });
      invariant(!Array.isArray(result), `${name} gives one tensor`);
      return result;
    };
    const then = (x: TensorInfo, step: (x: TensorInfo) => TensorInfo): TensorInfo => {
      const result = step(x);
      wasm.disposeData(x.dataId);
      return result;
    };
    const product = run("BatchMatMul", { a: a!, b: b! });
    const sum =
      bias === undefined || bias === null ? product : then(product, (x) => run("Add", { a: x, b: bias }));
    const name = attrs?.["activation"];
    if (name === "linear") return sum;
    const activation = typeof name === "string" ? ACTIVATIONS[name] : undefined;
    invariant(activation !== undefined, "fused.matMul has checked the activation");
    return then(sum, (x) =>
      run(activation, name === "prelu" ? { x, alpha: preluActivationWeights! } : { x }),
    );
  };
