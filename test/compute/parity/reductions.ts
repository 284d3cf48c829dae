/** Many values to one, and running totals. */
import type { Tensor, TensorFlow } from "@bulkhead/compute";
import {
  at,
  build,
  mean,
  type PlainTensor,
  reduce,
  reduceAll,
  reshape,
  sum,
} from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, forward, smooth } from "./parity-case.ts";

type Rule = (values: readonly number[]) => number;
type Run = (tf: TensorFlow, x: Tensor, axis: number | undefined) => Tensor;

const variance: Rule = (values) => mean(values.map((value) => (value - mean(values)) ** 2));

const SMOOTH: Readonly<Record<string, readonly [Rule, Run]>> = {
  euclideanNorm: [(values) => Math.hypot(...values), (tf, x, axis) => tf.euclideanNorm(x, axis)],
  logSumExp: [(values) => Math.log(sum(values.map(Math.exp))), (tf, x, axis) => tf.logSumExp(x, axis)],
  max: [(values) => Math.max(...values), (tf, x, axis) => tf.max(x, axis)],
  mean: [mean, (tf, x, axis) => tf.mean(x, axis)],
  min: [(values) => Math.min(...values), (tf, x, axis) => tf.min(x, axis)],
  "moments: variance": [variance, (tf, x, axis) => tf.moments(x, axis).variance],
  prod: [
    (values) => values.reduce((product, value) => product * value, 1),
    (tf, x, axis) => tf.prod(x, axis),
  ],
  sum: [sum, (tf, x, axis) => tf.sum(x, axis)],
};

const AXES: readonly (readonly [string, number | undefined])[] = [
  ["over all", undefined],
  ["over the first axis", 0],
  ["over the middle axis", 1],
  ["over the last axis", 2],
];

const reductionCases = Object.entries(SMOOTH).flatMap(([name, [rule, run]]) =>
  AXES.map(([kind, axis]) =>
    smooth(`${name} ${kind}`, {
      inputs: [floats([3, 4, 7], 0.5, 1.5)],
      run: (tf, x) => run(tf, x, axis),
      plain: (x) => (axis === undefined ? reduceAll(x, rule) : reduce(x, axis, rule)),
    }),
  ),
);

const CHOICES: Readonly<Record<string, readonly [Rule, Run, "bool" | "int32"]>> = {
  all: [
    (values) => Number(values.every((v) => v > -0.8)),
    (tf, x, axis) => tf.all(tf.greater(x, -0.8), axis),
    "bool",
  ],
  any: [
    (values) => Number(values.some((v) => v > 0.8)),
    (tf, x, axis) => tf.any(tf.greater(x, 0.8), axis),
    "bool",
  ],
  argMax: [(values) => values.indexOf(Math.max(...values)), (tf, x, axis) => tf.argMax(x, axis), "int32"],
  argMin: [(values) => values.indexOf(Math.min(...values)), (tf, x, axis) => tf.argMin(x, axis), "int32"],
};

const choices = Object.entries(CHOICES).flatMap(([name, [rule, run, dtype]]) =>
  [1, 2].map((axis) =>
    forward(`${name} over axis ${axis}`, {
      inputs: [floats([3, 5, 7])],
      run: (tf, x) => run(tf, x, axis),
      plain: (x) => reduce(x, axis, rule, dtype),
    }),
  ),
);

/** Totals along the last axis of a matrix: of what stands before (`exclusive`: without the value itself). */
const running = (x: PlainTensor, exclusive: boolean, reverse: boolean): PlainTensor =>
  build(x.shape, ([i, j]) => {
    let total = 0;
    for (let k = 0; k < x.shape[1]!; k++) {
      const isBefore = reverse ? k > j! : k < j!;
      if (isBefore || (k === j! && !exclusive)) total += at(x, i!, k);
    }
    return total;
  });

const totals = [false, true].flatMap((exclusive) =>
  [false, true].map((reverse) =>
    smooth(`cumsum${exclusive ? ", exclusive" : ""}${reverse ? ", from the end" : ""}`, {
      inputs: [floats([3, 9])],
      run: (tf, x) => tf.cumsum(x, 1, exclusive, reverse),
      plain: (x) => running(x, exclusive, reverse),
    }),
  ),
);

export const reductions: readonly ParityCase[] = [
  ...reductionCases,
  ...choices,
  ...totals,
  smooth("sum over two axes, kept", {
    inputs: [floats([3, 4, 7])],
    run: (tf, x) => tf.sum(x, [0, 2], true),
    plain: (x) => reshape(reduce(reduce(x, 2, sum), 0, sum), [1, 4, 1]),
  }),
  smooth("mean over the outer axes", {
    inputs: [floats([3, 4, 7])],
    run: (tf, x) => tf.mean(x, [0, 1]),
    plain: (x) => reduce(reshape(x, [12, 7]), 0, mean),
  }),
  smooth("max over two axes", {
    inputs: [floats([3, 4, 7])],
    run: (tf, x) => tf.max(x, [0, 2]),
    plain: (x) =>
      reduce(
        reduce(x, 2, (v) => Math.max(...v)),
        0,
        (v) => Math.max(...v),
      ),
  }),
  smooth("prod of rows with a zero", {
    inputs: [floats([3, 5])],
    run: (tf, x) => tf.prod(tf.relu(tf.add(x, 0.5)), 1),
    plain: (x) => reduce(x, 1, (v) => v.reduce((product, value) => product * Math.max(value + 0.5, 0), 1)),
  }),
  smooth("cumsum of columns", {
    inputs: [floats([5, 3])],
    run: (tf, x) => tf.cumsum(x, 0),
    plain: (x) => build([5, 3], ([i, j]) => sum(Array.from({ length: i! + 1 }, (_, k) => at(x, k, j!)))),
  }),
  smooth("cumsum of a square matrix's columns", {
    inputs: [floats([4, 4])],
    run: (tf, x) => tf.cumsum(x, 0),
    plain: (x) => build([4, 4], ([i, j]) => sum(Array.from({ length: i! + 1 }, (_, k) => at(x, k, j!)))),
  }),
  smooth("cumprod", {
    inputs: [floats([3, 5], 0.5, 1.5)],
    run: (tf, x) => tf.cumprod(x, 1),
    plain: (x) =>
      build([3, 5], ([i, j]) =>
        Array.from({ length: j! + 1 }, (_, k) => at(x, i!, k)).reduce((a, b) => a * b, 1),
      ),
  }),
  forward("topk values", {
    inputs: [floats([4, 37])],
    run: (tf, x) => tf.topk(x, 3).values,
    plain: (x) => build([4, 3], ([i, j]) => x.values.slice(37 * i!, 37 * i! + 37).sort((a, b) => b - a)[j!]!),
  }),
];
