/**
 * Matrix products on the wasm backend. Its own kernel uses the fast library (XNNPACK) only for a single product without
 * transposes, and scalar loops for all that gradients and attention need; over a broadcast batch it is wrong. Here each
 * product of a batch is handed to the fast path by itself, transposed operands laid out anew first: 4 to 5 times faster
 * on a training step.
 */
import { invariant } from "@bulkhead/base";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { indexInBroadcast, sizeOf } from "./broadcast.ts";
import { kernelOf, replaceKernel } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";

interface MatMulCall {
  readonly inputs: { readonly a: TensorInfo; readonly b: TensorInfo };
  readonly attrs: { readonly transposeA: boolean; readonly transposeB: boolean };
  readonly backend: BackendWasm;
}

type Product = (a: Block, b: Block, out: Block) => void;

/** `count` matrices of one operand from `first` on, `rows` × `columns` each. */
interface Block {
  readonly tensor: TensorInfo;
  readonly first: number;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
}

export const routeMatMul = (tf: TensorFlow, backend: BackendWasm): void => {
  const product = fastProduct(backend);
  replaceKernel(tf, "wasm", "BatchMatMul", (call) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the engine calls a kernel with its own inputs, attributes and backend
    matMul(tf, product, call as unknown as MatMulCall),
  );
};

const matMul = (tf: TensorFlow, product: Product, { inputs, attrs, backend }: MatMulCall): TensorInfo => {
  if (inputs.a.dtype !== "float32" || inputs.b.dtype !== "float32")
    throw new Error(`BatchMatMul on wasm: not of ${inputs.a.dtype} by ${inputs.b.dtype}; cast to float32`);
  const a = laidOut(tf, backend, inputs.a, attrs.transposeA);
  const b = laidOut(tf, backend, inputs.b, attrs.transposeB);
  const [rows, inner] = matrixOf(a);
  const [innerOfB, columns] = matrixOf(b);
  if (inner !== innerOfB) throw new Error(`matMul: inner sides ${inner} and ${innerOfB} differ`);
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const out = backend.makeOutput([...batch, rows, columns], "float32");
  const count = sizeOf(batch);
  if (sizeOf(batchB) === 1 && sizeOf(batchA) === count)
    // One right operand for all: the left ones are one tall matrix.
    product(block(a, 0, 1, count * rows), block(b, 0), block(out, 0, 1, count * rows));
  else
    for (let i = 0; i < count; i++)
      product(
        block(a, indexInBroadcast(i, batch, batchA)),
        block(b, indexInBroadcast(i, batch, batchB)),
        block(out, i),
      );
  if (a !== inputs.a) backend.disposeData(a.dataId);
  if (b !== inputs.b) backend.disposeData(b.dataId);
  return out;
};

const matrixOf = ({ shape }: TensorInfo): readonly [number, number] => [shape.at(-2)!, shape.at(-1)!];

const block = (tensor: TensorInfo, first: number, count = 1, rows = matrixOf(tensor)[0]): Block => ({
  tensor,
  first,
  count,
  rows,
  columns: matrixOf(tensor)[1],
});

/** The operand itself, or its matrices transposed in memory of their own. */
const laidOut = (tf: TensorFlow, backend: BackendWasm, x: TensorInfo, transposed: boolean): TensorInfo => {
  if (!transposed) return x;
  const rank = x.shape.length;
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  const result = kernelOf(tf, "wasm", "Transpose")({ inputs: { x }, attrs: { perm }, backend });
  invariant(!Array.isArray(result), "Transpose gives one tensor");
  return result;
};

/** Number, shape and rank of both operands, whether each is transposed, number of the result. */
const KERNEL_ARGUMENTS = "number array number number array number number number number".split(" ");

interface Cwrap {
  readonly cwrap: (
    name: string,
    returned: null,
    taken: readonly string[],
  ) => (...args: readonly (number | Uint8Array)[]) => void;
}

/** Emscripten puts `cwrap` there; its published types leave it out. */
const hasCwrap = (module: object): module is Cwrap => "cwrap" in module;

/** The C++ kernel, on parts of tensors: a part is registered under a number of its own for the time of the call. */
const fastProduct = (backend: BackendWasm): Product => {
  const { wasm } = backend;
  invariant(hasCwrap(wasm), "Emscripten's module wraps its functions");
  const kernel = wasm.cwrap("BatchMatMul", null, KERNEL_ARGUMENTS);
  // The backend counts its own tensors up from 0.
  let nextId = 2 ** 30;
  const whole = ({ tensor, first, rows, columns }: Block) =>
    first === 0 && sizeOf(tensor.shape) === rows * columns;
  const withId = (part: Block): number => {
    const data = backend.dataIdMap.get(part.tensor.dataId);
    if (whole(part)) return data.id;
    const size = part.rows * part.columns;
    wasm.tfjs.registerTensor(nextId, size, data.memoryOffset + 4 * part.first * size);
    return nextId++;
  };
  const shapeOf = ({ rows, columns }: Block) => new Uint8Array(Int32Array.of(1, rows, columns).buffer);
  return (a, b, out) => {
    const parts = [a, b, out];
    const ids = parts.map(withId);
    kernel(ids[0]!, shapeOf(a), 3, ids[1]!, shapeOf(b), 3, 0, 0, ids[2]!);
    for (const [i, part] of parts.entries()) if (!whole(part)) wasm.tfjs.disposeData(ids[i]!);
  };
};
