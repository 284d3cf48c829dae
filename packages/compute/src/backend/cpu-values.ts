/** What a kernel of the cpu backend is given, as plain arrays. */
import { invariant } from "@bulkhead/base";
import type { MathBackendCPU } from "@tensorflow/tfjs";
import type { KernelCall } from "./kernels.ts";
import type { TensorInfo } from "./tensorflow.ts";

export const operand = (inputs: KernelCall["inputs"], name: string): TensorInfo => {
  const found = inputs[name];
  invariant(found !== undefined, `the kernel is given ${name}`);
  return found;
};

export const valuesOf = (cpu: MathBackendCPU, { dataId }: TensorInfo): ArrayLike<number> => {
  const values = cpu.readSync(dataId);
  invariant(
    values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array,
    "numbers",
  );
  return values;
};

export const emptyLike = ({ dtype }: TensorInfo, size: number): Float32Array | Int32Array =>
  dtype === "int32" ? new Int32Array(size) : new Float32Array(size);
