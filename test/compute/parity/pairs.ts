/** Functions of two values, of the same shape and broadcast. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import { at, type PlainTensor, build, map, zip } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, forward, integers, smooth } from "./parity-case.ts";

type Rule = (a: number, b: number) => number;
type Run = (tf: TensorFlow, a: Tensor, b: Tensor) => Tensor;

/** The rule, the call, and the least value of each operand. */
const SMOOTH: Readonly<Record<string, readonly [Rule, Run, number]>> = {
  add: [(a, b) => a + b, (tf, a, b) => tf.add(a, b), -1],
  atan2: [Math.atan2, (tf, a, b) => tf.atan2(a, b), 0.5],
  div: [(a, b) => a / b, (tf, a, b) => tf.div(a, b), 0.5],
  maximum: [Math.max, (tf, a, b) => tf.maximum(a, b), -1],
  minimum: [Math.min, (tf, a, b) => tf.minimum(a, b), -1],
  mod: [(a, b) => a - b * Math.floor(a / b), (tf, a, b) => tf.mod(a, b), 0.5],
  mul: [(a, b) => a * b, (tf, a, b) => tf.mul(a, b), -1],
  pow: [(a, b) => a ** b, (tf, a, b) => tf.pow(a, b), 0.5],
  prelu: [(a, b) => (a >= 0 ? a : a * b), (tf, a, b) => tf.prelu(a, b), -1],
  squaredDifference: [(a, b) => (a - b) ** 2, (tf, a, b) => tf.squaredDifference(a, b), -1],
  sub: [(a, b) => a - b, (tf, a, b) => tf.sub(a, b), -1],
};

const SHAPES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["", [3, 11], [3, 11]],
  [" of each row with one", [3, 11], [11]],
  [" of columns with one column", [3, 11], [3, 1]],
  [" of a column with a row", [3, 1], [11]],
  [" with a scalar", [3, 11], []],
];

/** PReLU has a shape for its weights alone, and the gradients of few shapes: not those of a broadcast input. */
const isTaken = (name: string, [kind]: (typeof SHAPES)[number]): boolean =>
  name !== "prelu" || kind === "" || kind === " of each row with one";

const smoothPairs = Object.entries(SMOOTH).flatMap(([name, [rule, run, from]]) =>
  SHAPES.filter((shapes) => isTaken(name, shapes)).map(([kind, a, b]) =>
    smooth(`${name}${kind}`, {
      inputs: [floats(a, from, 2), floats(b, from, 2)],
      run: (tf, x, y) => run(tf, x, y),
      plain: (x, y) => zip(x, y, rule),
    }),
  ),
);

const COMPARISONS: Readonly<Record<string, readonly [Rule, Run]>> = {
  equal: [(a, b) => Number(a === b), (tf, a, b) => tf.equal(a, b)],
  greater: [(a, b) => Number(a > b), (tf, a, b) => tf.greater(a, b)],
  greaterEqual: [(a, b) => Number(a >= b), (tf, a, b) => tf.greaterEqual(a, b)],
  less: [(a, b) => Number(a < b), (tf, a, b) => tf.less(a, b)],
  lessEqual: [(a, b) => Number(a <= b), (tf, a, b) => tf.lessEqual(a, b)],
  notEqual: [(a, b) => Number(a !== b), (tf, a, b) => tf.notEqual(a, b)],
};

const halves = (shape: readonly number[]): PlainTensor =>
  map(integers(shape, -3, 4), (value) => value / 2, "float32");

const comparisons = Object.entries(COMPARISONS).flatMap(([name, [rule, run]]) =>
  SHAPES.slice(0, 4).map(([kind, a, b]) =>
    forward(`${name}${kind}`, {
      inputs: [halves(a), halves(b)],
      run: (tf, x, y) => run(tf, x, y),
      plain: (x, y) => zip(x, y, rule, "bool"),
    }),
  ),
);

const CHOSEN = Array.from({ length: 20 }, (_, i) => Number(i % 3 === 0));

const isPositive = (tf: TensorFlow, x: Tensor): Tensor => tf.greater(x, 0);

export const pairs: readonly ParityCase[] = [
  ...smoothPairs,
  ...comparisons,
  forward("logicalAnd, logicalOr, logicalNot, logicalXor", {
    inputs: [floats([9]), floats([9])],
    run: (tf, a, b) => {
      const [p, q] = [isPositive(tf, a), isPositive(tf, b)];
      return tf.stack([tf.logicalAnd(p, q), tf.logicalOr(p, q), tf.logicalNot(p), tf.logicalXor(p, q)]);
    },
    plain: (a, b) =>
      build(
        [4, 9],
        ([rule, i]) => {
          const [p, q] = [a.values[i!]! > 0, b.values[i!]! > 0];
          return Number([p && q, p || q, !p, p !== q][rule!]!);
        },
        "bool",
      ),
  }),
  forward("floorDiv", {
    inputs: [floats([3, 11], -9, 9), floats([3, 11], 1, 3)],
    run: (tf, a, b) => tf.floorDiv(a, b),
    plain: (a, b) => zip(a, b, (x, y) => Math.floor(x / y)),
  }),
  forward("divNoNan", {
    inputs: [floats([11]), halves([11])],
    run: (tf, a, b) => tf.divNoNan(a, b),
    plain: (a, b) => zip(a, b, (x, y) => (y === 0 ? 0 : x / y)),
  }),
  smooth("addN", {
    inputs: [floats([3, 4]), floats([3, 4]), floats([3, 4])],
    run: (tf, a, b, c) => tf.addN([a, b, c]),
    plain: (a, b, c) =>
      zip(
        zip(a, b, (x, y) => x + y),
        c,
        (x, y) => x + y,
      ),
  }),
  smooth("where by a condition on the input itself", {
    inputs: [floats([4, 5]), floats([4, 5])],
    run: (tf, a, b) => tf.where(tf.greater(a, 0.2), tf.mul(a, 2), b),
    plain: (a, b) => zip(a, b, (x, y) => (x > Math.fround(0.2) ? 2 * x : y)),
  }),
  smooth("where", {
    inputs: [floats([4, 5]), floats([4, 5])],
    run: (tf, a, b) => tf.where(tf.tensor2d(CHOSEN, [4, 5], "bool"), tf.mul(a, 2), b),
    plain: (a, b) =>
      build([4, 5], ([i, j]) => (CHOSEN[5 * i! + j!] === 1 ? 2 * at(a, i!, j!) : at(b, i!, j!))),
  }),
  smooth("where of broadcast conditions", {
    inputs: [floats([4, 5]), floats([4, 5])],
    run: (tf, a, b) => tf.where(tf.tensor2d([1, 0, 0, 1, 1], [1, 5], "bool"), a, b),
    plain: (a, b) => build([4, 5], ([i, j]) => (j === 1 || j === 2 ? b : a).values[5 * i! + j!]!),
  }),
];
