/** Integers that are added, multiplied, compared, and become floats. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import { map, type PlainTensor, zip } from "../../reference/plain-tensor.ts";
import { onIntegers, onWholeRange, type OnIntegers } from "./integer-case.ts";
import { floats, forward, integers, list, type ParityCase } from "./parity-case.ts";

type Pair = readonly [(a: number, b: number) => number, (tf: TensorFlow, a: Tensor, b: Tensor) => Tensor];

const PAIRS: Readonly<Record<string, Pair>> = {
  add: [(a, b) => (a + b) | 0, (tf, a, b) => tf.add(a, b)],
  maximum: [Math.max, (tf, a, b) => tf.maximum(a, b)],
  minimum: [Math.min, (tf, a, b) => tf.minimum(a, b)],
  mul: [Math.imul, (tf, a, b) => tf.mul(a, b)],
  sub: [(a, b) => (a - b) | 0, (tf, a, b) => tf.sub(a, b)],
  squaredDifference: [(a, b) => Math.imul(a - b, a - b), (tf, a, b) => tf.squaredDifference(a, b)],
};

const COMPARISONS: Readonly<Record<string, Pair>> = {
  equal: [(a, b) => Number(a === b), (tf, a, b) => tf.equal(a, b)],
  greater: [(a, b) => Number(a > b), (tf, a, b) => tf.greater(a, b)],
  greaterEqual: [(a, b) => Number(a >= b), (tf, a, b) => tf.greaterEqual(a, b)],
  less: [(a, b) => Number(a < b), (tf, a, b) => tf.less(a, b)],
  lessEqual: [(a, b) => Number(a <= b), (tf, a, b) => tf.lessEqual(a, b)],
  notEqual: [(a, b) => Number(a !== b), (tf, a, b) => tf.notEqual(a, b)],
};

const DIVISIONS: Readonly<Record<string, Pair>> = {
  div: [(a, b) => Math.floor(a / b), (tf, a, b) => tf.div(a, b)],
  floorDiv: [(a, b) => Math.floor(a / b), (tf, a, b) => tf.floorDiv(a, b)],
  mod: [(a, b) => a - b * Math.floor(a / b), (tf, a, b) => tf.mod(a, b)],
};

const SHAPES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ["", [5, 13], [5, 13]],
  [" of each row with one", [5, 13], [13]],
  [" of a column with a row", [5, 1], [13]],
];

interface PairTable {
  readonly dtype: "int32" | "bool";
  readonly second?: (shape: readonly number[]) => PlainTensor;
}

const pairRows = (
  table: Readonly<Record<string, Pair>>,
  { dtype, second = integers }: PairTable,
): readonly ParityCase[] =>
  Object.entries(table).flatMap(([name, [rule, run]]) =>
    SHAPES.map(([kind, left, right]) =>
      forward(`int32 ${name}${kind}`, {
        inputs: [integers(left), second(right)],
        run,
        plain: (x, y) => zip(x, y, rule, dtype),
      }),
    ),
  );

/** Divisors of both signs, and never 0. */
const divisors = (shape: readonly number[]): PlainTensor =>
  map(integers(shape, 1, 1000), (value) => (value % 2 === 0 ? value : -value));

const BOUND = 2 ** 30 + 1;

const SINGLES: Readonly<Record<string, OnIntegers>> = {
  abs: [(tf, x) => tf.abs(x), (x) => map(x, Math.abs)],
  "add of a number": [
    (tf, x) => tf.add(x, tf.scalar(2 ** 31 - 1, "int32")),
    (x) => map(x, (v) => (v + 2 ** 31 - 1) | 0),
  ],
  addN: [(tf, x) => tf.addN([x, x, x]), (x) => map(x, (v) => (3 * v) | 0)],
  bitwiseAnd: [(tf, x) => tf.bitwiseAnd(x, tf.onesLike(x)), (x) => map(x, (v) => v & 1)],
  "cast to float32": [(tf, x) => tf.cast(x, "float32"), (x) => map(x, Math.fround, "float32")],
  "cast to float32, then a difference": [
    (tf, x) => tf.sub(tf.cast(x, "float32"), tf.cast(tf.add(x, tf.scalar(1, "int32")), "float32")),
    (x) => map(x, (v) => Math.fround(v) - Math.fround((v + 1) | 0), "float32"),
  ],
  clipByValue: [
    (tf, x) => tf.clipByValue(x, -BOUND, BOUND),
    (x) => map(x, (v) => Math.min(Math.max(v, -BOUND), BOUND)),
  ],
  neg: [(tf, x) => tf.neg(x), (x) => map(x, (v) => -v | 0)],
  relu: [(tf, x) => tf.relu(x), (x) => map(x, (v) => Math.max(v, 0))],
  round: [(tf, x) => tf.round(x), (x) => x],
  sign: [(tf, x) => tf.sign(x), (x) => map(x, Math.sign)],
  square: [(tf, x) => tf.square(x), (x) => map(x, (v) => Math.imul(v, v))],
  step: [(tf, x) => tf.step(x), (x) => map(x, (v) => Number(v > 0))],
  where: [(tf, x) => tf.where(tf.greater(x, 0), x, tf.onesLike(x)), (x) => map(x, (v) => (v > 0 ? v : 1))],
};

export const integerArithmetic: readonly ParityCase[] = [
  ...pairRows(PAIRS, { dtype: "int32" }),
  ...pairRows(COMPARISONS, { dtype: "bool" }),
  ...pairRows(DIVISIONS, { dtype: "int32", second: divisors }),
  ...onWholeRange(SINGLES),
  onIntegers("pow", integers([4, 9], -5, 6), [
    (tf, x) => tf.pow(x, tf.scalar(3, "int32")),
    (x) => map(x, (v) => v ** 3),
  ]),
  onIntegers("cast to bool", list([0, 1, -2, 256, 2 ** 30]), [
    (tf, x) => tf.cast(x, "bool"),
    (x) => map(x, (v) => Number(v !== 0), "bool"),
  ]),
  onIntegers("of a float", floats([20], -(2 ** 30), 2 ** 30), [
    (tf, x) => tf.cast(x, "int32"),
    (x) => map(x, Math.trunc, "int32"),
  ]),
  onIntegers("of a bool", floats([20]), [
    (tf, x) => tf.cast(tf.greater(x, 0), "int32"),
    (x) => map(x, (v) => Number(v > 0), "int32"),
  ]),
];
