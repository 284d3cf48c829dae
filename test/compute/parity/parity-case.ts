/** One operation, and what it means in plain arithmetic: the row of a table that every backend must agree with. */
import type { Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, TensorFlow } from "@bulkhead/compute";
import { type PlainTensor, sizeOf } from "../../reference/plain-tensor.ts";

export interface ParityCase {
  /** The operation, and what is special in this use of it. */
  readonly name: string;
  readonly inputs: readonly PlainTensor[];
  readonly run: (tf: TensorFlow, ...inputs: Tensor[]) => Tensor;
  readonly plain: (...inputs: PlainTensor[]) => PlainTensor;
  /** Whether the gradient with respect to each input of floating point is compared too. */
  readonly gradient: boolean;
  /** Relative to the largest value; that of {@link DEFAULT_TOLERANCE} if left out. Integers are exact. */
  readonly tolerance?: number;
}

export const DEFAULT_TOLERANCE = 1e-5;

type Body = Pick<ParityCase, "inputs" | "run" | "plain"> & { readonly tolerance?: number };

/** A row whose gradient counts as well. */
export const smooth = (name: string, body: Body): ParityCase => ({ ...body, name, gradient: true });

/** A row that has no gradient, or one of zeros only. */
export const forward = (name: string, body: Body): ParityCase => ({ ...body, name, gradient: false });

let drawn = 0;

/** [mulberry32]; a new stream at each call, the same ones at each run. */
const random = (): (() => number) => {
  let state = ++drawn * 7919;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Floats in `from`…`to`, each exact in 32 bits. */
export const floats = (shape: readonly number[], from = -1, to = 1): PlainTensor => {
  const next = random();
  const values = Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(from + (to - from) * next()));
  return { shape, values, dtype: "float32" };
};

/** Integers in `from`…`to` − 1; of all 32 bits if left out. */
export const integers = (shape: readonly number[], from = -(2 ** 31), to = 2 ** 31): PlainTensor => {
  const next = random();
  const values = Float64Array.from({ length: sizeOf(shape) }, () => Math.floor(from + (to - from) * next()));
  return { shape, values, dtype: "int32" };
};

export const list = (values: readonly number[], shape: readonly number[] = [values.length]): PlainTensor => ({
  shape,
  values: Float64Array.from(values),
  dtype: "int32",
});

interface Ranked {
  readonly 1: Tensor1D;
  readonly 2: Tensor2D;
  readonly 3: Tensor3D;
  readonly 4: Tensor4D;
}

const hasRank = <R extends keyof Ranked>(x: Tensor, rank: R): x is Ranked[R] => x.rank === rank;

const ofRank =
  <R extends keyof Ranked>(rank: R) =>
  (x: Tensor): Ranked[R] => {
    if (!hasRank(x, rank)) throw new Error(`not a tensor of ${rank} axes`);
    return x;
  };

export const rank1 = ofRank(1);
export const rank2 = ofRank(2);
export const rank3 = ofRank(3);
export const rank4 = ofRank(4);
