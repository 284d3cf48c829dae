/**
 * Whole numbers on tfjs-backend-cpu 4.22.0, which takes some of them through floating point without saying so: products
 * are rounded, and a cast to float32 is not. Here they are exact modulo 2^32, and rounded where they become floats.
 */
import type { MathBackendCPU } from "@tensorflow/tfjs";
import { indexInBroadcast, sizeOf } from "./broadcast.ts";
import { emptyLike, operand, valuesOf } from "./cpu-values.ts";
import { isOfIntegers, type Kernel, kernelOf, replaceKernel, replaceWhere } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";

export const repairIntegers = (tf: TensorFlow, cpu: MathBackendCPU): void => {
  for (const [name, rule] of Object.entries(PAIRS))
    replaceWhere(tf, ["cpu", name], isOfIntegers, ofPairs(tf, cpu, rule));
  for (const [name, rule] of Object.entries(SINGLES))
    replaceWhere(tf, ["cpu", name], isOfIntegers, ofSingles(cpu, rule));
  // Of floats too: the stock kernel calls the result of those int32.
  replaceKernel(
    tf,
    "cpu",
    "FloorDiv",
    ofPairs(tf, cpu, (a, b) => Math.floor(a / b)),
  );
  replaceWhere(tf, ["cpu", "Prod"], isOfIntegers, exactProduct(cpu, kernelOf(tf, "cpu", "Prod")));
  const isToFloat: typeof isOfIntegers = (call) => isOfIntegers(call) && call.attrs?.["dtype"] === "float32";
  replaceWhere(tf, ["cpu", "Cast"], isToFloat, ({ inputs }) => asFloats(cpu, operand(inputs, "x")));
};

const PAIRS: Readonly<Record<string, (a: number, b: number) => number>> = {
  Multiply: Math.imul,
  SquaredDifference: (a, b) => Math.imul(a - b, a - b),
};

const SINGLES: Readonly<Record<string, (value: number) => number>> = {
  Abs: Math.abs,
  Square: (value) => Math.imul(value, value),
};

const ofPairs =
  (tf: TensorFlow, cpu: MathBackendCPU, rule: (a: number, b: number) => number): Kernel =>
  ({ inputs }) => {
    const [a, b] = [operand(inputs, "a"), operand(inputs, "b")];
    const shape = tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const [left, right] = [valuesOf(cpu, a), valuesOf(cpu, b)];
    const out = emptyLike(a, sizeOf(shape));
    for (let i = 0; i < out.length; i++)
      out[i] = rule(left[indexInBroadcast(i, shape, a.shape)]!, right[indexInBroadcast(i, shape, b.shape)]!);
    return cpu.makeTensorInfo(shape, a.dtype, out);
  };

const ofSingles =
  (cpu: MathBackendCPU, rule: (value: number) => number): Kernel =>
  ({ inputs }) => {
    const x = operand(inputs, "x");
    return cpu.makeTensorInfo(x.shape, "int32", Int32Array.from(valuesOf(cpu, x), rule));
  };

/** The stock kernel hands the integers on as they are, under the name of floats. */
const asFloats = (cpu: MathBackendCPU, x: Parameters<typeof valuesOf>[1]) =>
  cpu.makeTensorInfo(x.shape, "float32", Float32Array.from(valuesOf(cpu, x)));

/** The stock kernel multiplies in 64 bits of floating point: beyond 2^53 it has lost what wraps. */
const exactProduct =
  (cpu: MathBackendCPU, stock: Kernel): Kernel =>
  (call) => {
    const floats = asFloats(cpu, operand(call.inputs, "x"));
    const size = stock({ ...call, inputs: { x: floats } });
    const isExact = [size]
      .flat()
      .every((x) => Array.from(valuesOf(cpu, x)).every((v) => Math.abs(v) < 2 ** 52));
    for (const x of [floats, size].flat()) cpu.disposeIntermediateTensorInfo(x);
    if (!isExact)
      throw new Error("Prod on cpu: a product of int32 beyond 2^52 would be wrong, and is refused");
    return stock(call);
  };
