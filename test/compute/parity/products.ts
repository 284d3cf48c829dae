/** Products of matrices: the whole of what a layer and its gradient need. */
import {
  type PlainTensor,
  map,
  matMul,
  reduceAll,
  reshape,
  sum,
  swapLast,
  zip,
} from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, forward, rank1, rank2, smooth } from "./parity-case.ts";

const product = (name: string, a: readonly number[], b: readonly number[]): ParityCase =>
  smooth(`matMul ${name}`, {
    inputs: [floats(a), floats(b)],
    run: (tf, x, y) => tf.matMul(x, y),
    plain: (x, y) => matMul(x, y),
  });

/** The shape of the matrices transposed. */
const turned = (shape: readonly number[]): readonly number[] => [
  ...shape.slice(0, -2),
  shape.at(-1)!,
  shape.at(-2)!,
];

const transposed = (name: string, a: readonly number[], b: readonly number[]): readonly ParityCase[] => [
  smooth(`matMul ${name}, first transposed`, {
    inputs: [floats(turned(a)), floats(b)],
    run: (tf, x, y) => tf.matMul(x, y, true),
    plain: (x, y) => matMul(swapLast(x), y),
  }),
  smooth(`matMul ${name}, second transposed`, {
    inputs: [floats(a), floats(turned(b))],
    run: (tf, x, y) => tf.matMul(x, y, false, true),
    plain: (x, y) => matMul(x, swapLast(y)),
  }),
  smooth(`matMul ${name}, both transposed`, {
    inputs: [floats(turned(a)), floats(turned(b))],
    run: (tf, x, y) => tf.matMul(x, y, true, true),
    plain: (x, y) => matMul(swapLast(x), swapLast(y)),
  }),
];

const ACTIVATIONS = {
  linear: (x: number) => x,
  relu: (x: number) => Math.max(x, 0),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
} as const;

interface Fused {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  readonly activation: keyof typeof ACTIVATIONS;
}

const fused = (
  name: string,
  { a, b, transposeA = false, transposeB = false, activation }: Fused,
): ParityCase => {
  const body = {
    inputs: [floats(a), floats(b), floats([transposeB ? b.at(-2)! : b.at(-1)!])],
    run: (tf, x, y, bias) => tf.fused.matMul({ a: x, b: y, bias: bias, transposeA, transposeB, activation }),
    plain: (x, y, bias) => {
      const [left, right] = [transposeA ? swapLast(x) : x, transposeB ? swapLast(y) : y];
      return map(
        zip(matMul(left, right), bias, (u, v) => u + v),
        ACTIVATIONS[activation],
      );
    },
  } satisfies Pick<ParityCase, "inputs" | "run" | "plain">;
  // TensorFlow.js has no fused gradient of sigmoid, and says so.
  return activation === "sigmoid" ? forward(name, body) : smooth(name, body);
};

const dot = (x: PlainTensor, y: PlainTensor): PlainTensor =>
  reduceAll(
    zip(x, y, (a, b) => a * b),
    sum,
  );

export const products: readonly ParityCase[] = [
  product("of matrices", [5, 7], [7, 3]),
  ...transposed("of matrices", [5, 7], [7, 3]),
  product("of a row and a column", [1, 64], [64, 1]),
  product("along 300", [3, 300], [300, 4]),
  product("in batches", [3, 4, 6], [3, 6, 5]),
  ...transposed("in batches", [3, 4, 6], [3, 6, 5]),
  product("in two axes of batches", [2, 3, 4, 9], [2, 3, 9, 5]),
  ...transposed("in two axes of batches", [2, 3, 4, 9], [2, 3, 9, 5]),
  product("with one matrix for all batches", [2, 4, 6], [6, 5]),
  product("with a batch of one for all", [3, 4, 6], [1, 6, 5]),
  product("with a first batch of one for all", [1, 4, 6], [3, 6, 5]),
  product("with grouped heads", [2, 3, 4, 6], [2, 1, 6, 5]),
  product("with the first operand grouped", [2, 1, 4, 6], [2, 3, 6, 5]),
  product("with a batch that lacks the outer axis", [2, 3, 4, 6], [3, 6, 5]),
  product("with batches crossed", [2, 1, 4, 6], [1, 3, 6, 5]),
  ...transposed("with grouped heads", [2, 3, 4, 6], [2, 1, 6, 5]),
  product("of vectors' sides 1", [1, 1], [1, 1]),
  fused("fused.matMul with bias", { a: [5, 7], b: [7, 3], activation: "linear" }),
  fused("fused.matMul with bias and relu", { a: [5, 7], b: [7, 3], activation: "relu" }),
  fused("fused.matMul with bias and sigmoid", { a: [5, 7], b: [7, 3], activation: "sigmoid" }),
  fused("fused.matMul along 60", { a: [4, 60], b: [60, 3], activation: "linear" }),
  fused("fused.matMul along 60, second transposed", {
    a: [4, 60],
    b: [3, 60],
    transposeB: true,
    activation: "linear",
  }),
  fused("fused.matMul along 60, first transposed", {
    a: [60, 4],
    b: [60, 3],
    transposeA: true,
    activation: "relu",
  }),
  fused("fused.matMul along 60 in batches", { a: [2, 4, 60], b: [2, 60, 3], activation: "linear" }),
  fused("fused.matMul with grouped batches", { a: [2, 2, 3, 5], b: [2, 1, 5, 4], activation: "linear" }),
  smooth("dot", {
    inputs: [floats([9]), floats([9])],
    run: (tf, x, y) => tf.dot(x, y),
    plain: (x, y) => dot(x, y),
  }),
  smooth("outerProduct", {
    inputs: [floats([5]), floats([4])],
    run: (tf, x, y) => tf.outerProduct(rank1(x), rank1(y)),
    plain: (x, y) => zip(reshape(x, [5, 1]), y, (a, b) => a * b),
  }),
  smooth("einsum ij,jk->ik", {
    inputs: [floats([4, 5]), floats([5, 3])],
    run: (tf, x, y) => tf.einsum("ij,jk->ik", rank2(x), rank2(y)),
    plain: (x, y) => matMul(x, y),
  }),
  smooth("einsum bhqd,bhkd->bhqk", {
    inputs: [floats([2, 3, 4, 5]), floats([2, 3, 6, 5])],
    run: (tf, x, y) => tf.einsum("bhqd,bhkd->bhqk", x, y),
    plain: (x, y) => matMul(x, swapLast(y)),
  }),
];
