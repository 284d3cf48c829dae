/**
 * `transpose` on the wasm backend, where the last axis stays the last: heads of attention taken apart and put together.
 * Its own kernel goes value by value there from rank 4 on, which was a third of a training step.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { sizeOf } from "./broadcast.ts";
import { type KernelCall, replaceWhere } from "./kernels.ts";
import type { TensorFlow, TensorInfo } from "./tensorflow.ts";
import type { WasmSimd } from "./wasm-simd.ts";

const VALUE = 4;
/** The kernel copies sixteen bytes at a time. */
const FEWEST_VALUES = 4;

export const routeTranspose = (tf: TensorFlow, backend: BackendWasm, kernels: WasmSimd): void =>
  replaceWhere(tf, ["wasm", "Transpose"], movesRuns, ({ inputs, attrs }) =>
    transpose(backend, kernels, inputs["x"]!, permOf(attrs)),
  );

const permOf = (attrs: KernelCall["attrs"]): readonly number[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- tf.transpose has checked it
  attrs?.["perm"] as readonly number[];

const movesRuns = ({ inputs, attrs }: KernelCall): boolean => {
  const { dtype, shape } = inputs["x"]!;
  const rank = shape.length;
  if (rank < 3 || permOf(attrs).at(-1) !== rank - 1) return false;
  return (dtype === "float32" || dtype === "int32") && shape.at(-1)! >= FEWEST_VALUES && sizeOf(shape) > 0;
};

const transpose = (
  backend: BackendWasm,
  kernels: WasmSimd,
  x: TensorInfo,
  perm: readonly number[],
): TensorInfo => {
  const run = VALUE * x.shape.at(-1)!;
  const strides = x.shape.map((_, axis) => VALUE * sizeOf(x.shape.slice(axis + 1)));
  const sides = perm.slice(0, -1).map((axis) => ({ count: x.shape[axis]!, stride: strides[axis]! }));
  const out = backend.makeOutput(
    perm.map((axis) => x.shape[axis]!),
    x.dtype,
  );
  const inner = sides.at(-1)!;
  const [from, into] = [x, out].map(({ dataId }) => backend.dataIdMap.get(dataId).memoryOffset);
  const size = inner.count * run;
  for (const [i, offset] of offsetsOf(sides.slice(0, -1)).entries())
    kernels.gatherRuns(from! + offset, inner.stride, run, into! + i * size, into! + (i + 1) * size);
  return out;
};

interface Side {
  readonly count: number;
  readonly stride: number;
}

/** Of all places along these sides, the last side's next to each other. */
const offsetsOf = (sides: readonly Side[]): readonly number[] =>
  sides.reduce<readonly number[]>(
    (offsets, { count, stride }) =>
      offsets.flatMap((offset) => Array.from({ length: count }, (_, i) => offset + i * stride)),
    [0],
  );
