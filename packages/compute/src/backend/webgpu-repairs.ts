/**
 * What tfjs-backend-webgpu 4.22.0 gets wrong without an error, repaired or refused by the kernel's name: integers, products
 * over a broadcast batch, sums of many tensors, and whatever is beyond the device's limits.
 */
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { invariant } from "@bulkhead/base";
import type { WebgpuDevice } from "../webgpu-device.ts";
import { sizeOf } from "./broadcast.ts";
import { type Kernel, type KernelCall, kernelOf, replaceKernel } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import { exactKernel } from "./webgpu-integers.ts";
import { gpuOf } from "./webgpu-programs.ts";

export const repairWebgpuKernels = (tf: TensorFlow): void => {
  const names = tf.getKernelsForBackend("webgpu").map(({ kernelName }) => kernelName);
  for (const name of names) replaceKernel(tf, "webgpu", name, exactKernel(tf, name));
  for (const name of ["BatchMatMul", "_FusedMatMul"])
    replaceKernel(tf, "webgpu", name, overWholeBatch(tf, name));
  replaceKernel(tf, "webgpu", "AddN", addFew(tf));
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
      throw new Error(`${name} on webgpu: ${problem}`, { cause: error });
    }
  };

const BATCH = -2;

/** Where the batch of an operand is given to many of the other's, each is laid out in full. */
const overWholeBatch = (tf: TensorFlow, name: string): Kernel => {
  const stock = kernelOf(tf, "webgpu", name);
  return (call) => {
    const { a, b } = call.inputs;
    invariant(a !== undefined && b !== undefined, "a product has two operands");
    const [ofA, ofB] = [a.shape.slice(0, BATCH), b.shape.slice(0, BATCH)];
    if (ofA.join() === ofB.join() || sizeOf(ofA) === 1 || sizeOf(ofB) === 1) return stock(call);
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(ofA, ofB);
    const whole = [a, b].map((x) => tiled(tf, call, x, batch));
    const result = stock({ ...call, inputs: { ...call.inputs, a: whole[0], b: whole[1] } });
    for (const { dataId } of whole) gpuOf(call).disposeData(dataId);
    return result;
  };
};

const tiled = (tf: TensorFlow, call: KernelCall, x: TensorInfo, batch: readonly number[]): TensorInfo => {
  const backend = gpuOf(call);
  const one = (name: string, input: TensorInfo, attrs: NonNullable<KernelCall["attrs"]>): TensorInfo => {
    const result = kernelOf(tf, "webgpu", name)({ inputs: { x: input }, attrs, backend });
    invariant(!Array.isArray(result), `${name} gives one tensor`);
    return result;
  };
  const missing = batch.length + 2 - x.shape.length;
  const shape = [...Array<number>(missing).fill(1), ...x.shape];
  const ranked = one("Reshape", x, { shape });
  const reps = [...batch.map((side, axis) => side / shape[axis]!), 1, 1];
  const result = one("Tile", ranked, { reps });
  backend.disposeData(ranked.dataId);
  return result;
};

/** A shader that reads more tensors than a device allows adds none of them. */
const MOST_ADDED = 8;

const addFew = (tf: TensorFlow): Kernel => {
  const stock = kernelOf(tf, "webgpu", "AddN");
  const add: Kernel = (call) => {
    const inputs = Object.values(call.inputs);
    if (inputs.length <= MOST_ADDED && !inputs.some((x) => x?.dtype === "int32")) return stock(call);
    const [first, ...rest] = inputs;
    let sum = first!;
    for (const x of rest) {
      const next = kernelOf(tf, "webgpu", "Add")({ inputs: { a: sum, b: x }, backend: call.backend });
      invariant(!Array.isArray(next), "Add gives one tensor");
      if (sum !== first) gpuOf(call).disposeData(sum.dataId);
      sum = next;
    }
    return sum;
  };
  return add;
};

/** Checks what the backend asks of its device, and that the device has not refused it: it would compute on with garbage. */
export const guardWebgpuBackend = (backend: WebGPUBackend, { device, problem }: WebgpuDevice): void => {
  const mostBytes = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  const mostTensors = device.limits.maxStorageBuffersPerShaderStage - 1;
  const { bufferManager } = backend;
  const acquire = bufferManager.acquireBuffer.bind(bufferManager);
  bufferManager.acquireBuffer = (size, ...rest) => {
    if (size > mostBytes)
      throw new Error(`a tensor of ${size} bytes does not fit this GPU's ${mostBytes}: use a smaller batch`);
    return acquire(size, ...rest);
  };
  const run = backend.runWebGPUProgram.bind(backend);
  backend.runWebGPUProgram = (program, inputs, ...rest) => {
    if (inputs.length > mostTensors)
      throw new Error(`${inputs.length} tensors at once are more than this GPU's ${mostTensors}: use fewer`);
    return run(program, inputs, ...rest);
  };
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    const values = await read(dataId);
    const refused = problem();
    if (refused !== undefined)
      throw new Error(`the GPU refused an operation, its results are lost: ${refused}`);
    return values;
  };
  const readSync = backend.readSync.bind(backend);
  backend.readSync = (dataId) => {
    const { values, resource } = backend.tensorMap.get(dataId);
    if (resource !== undefined && !values)
      throw new Error("a GPU gives no values at once: use `await data()` in place of `dataSync`");
    return readSync(dataId);
  };
};
