/**
 * Matrix products on the wasm backend. Its own kernel uses the fast library (XNNPACK) only for a single product without
 * transposes, and scalar loops for all that gradients and attention need; over a broadcast batch it is wrong. Here all
 * products go through kernels of our own, to which a transposed operand is the same memory with other strides.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { indexInBroadcast, sizeOf } from "./broadcast.ts";
import { replaceKernel } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import { FLOAT, type Matrix, type Product, productOf } from "./wasm-product.ts";
import type { WasmSimd } from "./wasm-simd.ts";

interface MatMulCall {
  readonly inputs: { readonly a: TensorInfo; readonly b: TensorInfo };
  readonly attrs: { readonly transposeA: boolean; readonly transposeB: boolean };
  readonly backend: BackendWasm;
}

export const routeMatMul = (tf: TensorFlow, kernels: WasmSimd): void => {
  const product = productOf(kernels);
  replaceKernel(tf, "wasm", "BatchMatMul", (call) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine calls a kernel with its own inputs, attributes and backend
    matMul(tf, product, call as unknown as MatMulCall),
  );
};

const matMul = (tf: TensorFlow, product: Product, { inputs, attrs, backend }: MatMulCall): TensorInfo => {
  if (inputs.a.dtype !== "float32" || inputs.b.dtype !== "float32")
    throw new Error(`BatchMatMul on wasm: not of ${inputs.a.dtype} by ${inputs.b.dtype}; cast to float32`);
  const a = operand(backend, inputs.a, attrs.transposeA);
  const b = operand(backend, inputs.b, attrs.transposeB);
  if (a.columns !== b.rows) throw new Error(`matMul: inner sides ${a.columns} and ${b.rows} differ`);
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(a.batch, b.batch);
  const sides = { rows: a.rows, inner: a.columns, columns: b.columns };
  const out = backend.makeOutput([...batch, sides.rows, sides.columns], "float32");
  const result = operand(backend, out, false);
  const count = sizeOf(batch);
  if (sizeOf(out.shape) === 0) return out;
  if (sides.inner === 0) backend.typedArrayFromHeap(out).fill(0);
  else if (sizeOf(b.batch) === 1 && sizeOf(a.batch) === count && !attrs.transposeA)
    // One right operand for all: the left ones are one tall matrix.
    product(a.matrix(0), b.matrix(0), result.matrix(0), { ...sides, rows: count * sides.rows });
  else
    for (let i = 0; i < count; i++)
      product(
        a.matrix(indexInBroadcast(i, batch, a.batch)),
        b.matrix(indexInBroadcast(i, batch, b.batch)),
        result.matrix(i),
        sides,
      );
  return out;
};

interface Operand {
  readonly batch: number[];
  readonly rows: number;
  readonly columns: number;
  readonly matrix: (i: number) => Matrix;
}

const operand = (backend: BackendWasm, { dataId, shape }: TensorInfo, transposed: boolean): Operand => {
  const { memoryOffset } = backend.dataIdMap.get(dataId);
  const [rows, columns] = [shape.at(-2)!, shape.at(-1)!];
  const strides = transposed
    ? { row: FLOAT, column: FLOAT * columns }
    : { row: FLOAT * columns, column: FLOAT };
  const matrix = (i: number) => ({ at: memoryOffset + FLOAT * i * rows * columns, ...strides });
  const batch = shape.slice(0, -2);
  return transposed ? { batch, rows: columns, columns: rows, matrix } : { batch, rows, columns, matrix };
};
