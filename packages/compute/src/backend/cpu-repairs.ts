/** What tfjs-backend-cpu 4.22.0 computes wrongly without an error, computed here as it is defined, or refused. */
import { invariant } from "@bulkhead/base";
import type { MathBackendCPU } from "@tensorflow/tfjs";
import { refuseCutWindows } from "./avg-pool.ts";
import { indexInBroadcast, sizeOf } from "./broadcast.ts";
import { repairIntegers } from "./cpu-integers.ts";
import { emptyLike, operand, valuesOf } from "./cpu-values.ts";
import { isFirstTime, type Kernel, kernelOf, replaceKernel } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";

/** Other backends borrow kernels of this one, so it is repaired before them. */
export const repairCpu = (tf: TensorFlow): MathBackendCPU => {
  const cpu = tf.findBackend("cpu");
  invariant(cpu instanceof tf.MathBackendCPU, "the cpu backend is always there");
  if (!isFirstTime(cpu)) return cpu;
  repairIntegers(tf, cpu);
  replaceKernel(tf, "cpu", "UnsortedSegmentSum", segmentSum(cpu));
  replaceKernel(tf, "cpu", "BatchMatMul", broadcastBatches(tf, cpu, kernelOf(tf, "cpu", "BatchMatMul")));
  refuseCutWindows(tf, "cpu");
  return cpu;
};

/** Rows of one segment are added up; those of a segment that there is not are left out. Once through the rows. */
const segmentSum =
  (cpu: MathBackendCPU): Kernel =>
  ({ inputs, attrs }) => {
    const [x, segmentIds] = [operand(inputs, "x"), operand(inputs, "segmentIds")];
    const [values, ids, count] = [
      valuesOf(cpu, x),
      valuesOf(cpu, segmentIds),
      Number(attrs?.["numSegments"]),
    ];
    const inner = x.shape.slice(segmentIds.shape.length);
    const width = sizeOf(inner);
    // In 64 bits as long as they grow, but for integers, which wrap.
    const sums = x.dtype === "int32" ? new Int32Array(count * width) : new Float64Array(count * width);
    for (let i = 0; i < ids.length; i++)
      if (ids[i]! >= 0 && ids[i]! < count)
        for (let j = 0; j < width; j++) sums[ids[i]! * width + j]! += values[i * width + j]!;
    const out = sums instanceof Int32Array ? sums : Float32Array.from(sums);
    return cpu.makeTensorInfo([count, ...inner], x.dtype, out);
  };

/** The stock kernel numbers batches modulo each operand's own count: right only where one has all or a single one. */
const broadcastBatches =
  (tf: TensorFlow, cpu: MathBackendCPU, stock: Kernel): Kernel =>
  (call) => {
    const [a, b] = [operand(call.inputs, "a"), operand(call.inputs, "b")];
    const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
    const full = { a: withBatch(cpu, a, batch), b: withBatch(cpu, b, batch) };
    const result = stock({ ...call, inputs: full });
    if (full.a !== a) cpu.disposeIntermediateTensorInfo(full.a);
    if (full.b !== b) cpu.disposeIntermediateTensorInfo(full.b);
    return result;
  };

/** The operand with each of its matrices laid down as often as the broadcast batch has it. */
const withBatch = (cpu: MathBackendCPU, x: TensorInfo, batch: number[]): TensorInfo => {
  const own = x.shape.slice(0, -2);
  if (sizeOf(own) === sizeOf(batch)) return x;
  const sides = x.shape.slice(-2);
  const [size, values] = [sizeOf(sides), valuesOf(cpu, x)];
  const out = emptyLike(x, sizeOf(batch) * size);
  for (let i = 0; i < out.length; i++)
    out[i] = values[indexInBroadcast(Math.floor(i / size), batch, own) * size + (i % size)]!;
  return cpu.makeTensorInfo([...batch, ...sides], x.dtype, out);
};
