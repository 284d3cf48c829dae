/** Products over a batch that one operand shares: tfjs-backend-webgpu 4.22.0 takes the wrong matrices for some of them. */
import { invariant } from "@bulkhead/base";
import { sizeOf } from "./broadcast.ts";
import { type Kernel, type KernelCall, kernelOf } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import { gpuOf, runKernel } from "./webgpu-programs.ts";

const BATCH = -2;

/** Where the batch of an operand is given to many of the other's, each is laid out in full. */
export const overWholeBatch = (tf: TensorFlow, name: string): Kernel => {
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
  const missing = batch.length + 2 - x.shape.length;
  const shape = [...Array<number>(missing).fill(1), ...x.shape];
  const ranked = runKernel(tf, "Reshape", call, x, { shape });
  const reps = [...batch.map((side, axis) => side / shape[axis]!), 1, 1];
  const result = runKernel(tf, "Tile", call, ranked, { reps });
  gpuOf(call).disposeData(ranked.dataId);
  return result;
};
