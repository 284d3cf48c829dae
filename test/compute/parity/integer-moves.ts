/** Integers that are moved, summed, and taken by their numbers. */
import {
  at,
  build,
  map,
  matMul,
  mean,
  type PlainTensor,
  reduce,
  reduceAll,
  swapLast,
} from "../../reference/plain-tensor.ts";
import { onIntegers, type OnIntegers, onWholeRange, wrappedProduct, wrappedSum } from "./integer-case.ts";
import { floats, integers, list, type ParityCase } from "./parity-case.ts";

const rowOf = ({ values }: PlainTensor, i: number): number[] => Array.from(values.subarray(9 * i, 9 * i + 9));

const MOVES: Readonly<Record<string, OnIntegers>> = {
  concat: [(tf, x) => tf.concat([x, x], 1), (x) => build([4, 18], ([i, j]) => at(x, i!, j! % 9), "int32")],
  gather: [
    (tf, x) => tf.gather(x, tf.tensor1d([3, 0, 3], "int32")),
    (x) => build([3, 9], ([i, j]) => at(x, [3, 0, 3][i!]!, j!), "int32"),
  ],
  "gather from each batch its own": [
    (tf, x) => tf.gather(x, tf.tensor2d([8, 1, 2, 2], [4, 1], "int32"), 1, 1),
    (x) => build([4, 1], ([i]) => at(x, i!, [8, 1, 2, 2][i!]!), "int32"),
  ],
  pad: [
    (tf, x) =>
      tf.pad(x, [
        [1, 0],
        [0, 1],
      ]),
    (x) => build([5, 10], ([i, j]) => at(x, i! - 1, j!), "int32"),
  ],
  reverse: [(tf, x) => tf.reverse(x, 1), (x) => build([4, 9], ([i, j]) => at(x, i!, 8 - j!), "int32")],
  scatterND: [
    (tf, x) => tf.scatterND(tf.tensor2d([4, 0, 1, 2], [4, 1], "int32"), x, [5, 9]),
    (x) => build([5, 9], ([i, j]) => at(x, [1, 2, 3, -1, 0][i!]!, j!), "int32"),
  ],
  slice: [
    (tf, x) => tf.slice(x, [1, 2], [2, 5]),
    (x) => build([2, 5], ([i, j]) => at(x, i! + 1, j! + 2), "int32"),
  ],
  split: [(tf, x) => tf.split(x, 3, 1)[1]!, (x) => build([4, 3], ([i, j]) => at(x, i!, j! + 3), "int32")],
  stack: [(tf, x) => tf.stack([x, x]), (x) => build([2, 4, 9], ([, i, j]) => at(x, i!, j!), "int32")],
  tile: [(tf, x) => tf.tile(x, [2, 1]), (x) => build([8, 9], ([i, j]) => at(x, i! % 4, j!), "int32")],
  transpose: [(tf, x) => tf.transpose(x), (x) => build([9, 4], ([i, j]) => at(x, j!, i!), "int32")],
};

const IDS = [1, 0, 1, 1];

const TOTALS: Readonly<Record<string, OnIntegers>> = {
  cumsum: [
    (tf, x) => tf.cumsum(x, 1),
    (x) => build([4, 9], ([i, j]) => wrappedSum(rowOf(x, i!).slice(0, j! + 1)), "int32"),
  ],
  max: [(tf, x) => tf.max(x, 1), (x) => reduce(x, 1, (v) => Math.max(...v))],
  min: [(tf, x) => tf.min(x, 1), (x) => reduce(x, 1, (v) => Math.min(...v))],
  "prod that wraps": [(tf, x) => tf.prod(x, 1), (x) => reduce(x, 1, wrappedProduct)],
  "sum of all": [(tf, x) => tf.sum(x), (x) => reduceAll(x, wrappedSum)],
  "sum of columns": [(tf, x) => tf.sum(x, 0), (x) => reduce(x, 0, wrappedSum)],
  "sum of rows": [(tf, x) => tf.sum(x, 1), (x) => reduce(x, 1, wrappedSum)],
  unsortedSegmentSum: [
    (tf, x) => tf.unsortedSegmentSum(x, tf.tensor1d(IDS, "int32"), 2),
    (x) =>
      build([2, 9], ([id, j]) => wrappedSum(IDS.map((own, i) => (own === id ? at(x, i, j!) : 0))), "int32"),
  ],
};

/** Neighbours that one float stands for. */
const close = integers([4, 9], 2 ** 30, 2 ** 30 + 60);

const LABELS = [1, 4, -1, 7];

export const integerMoves: readonly ParityCase[] = [
  ...onWholeRange(MOVES),
  ...onWholeRange(TOTALS),
  onIntegers("argMax", close, [
    (tf, x) => tf.argMax(x, 1),
    (x) => reduce(x, 1, (v) => v.indexOf(Math.max(...v))),
  ]),
  onIntegers("topk", close, [
    (tf, x) => tf.topk(x, 4).values,
    (x) => build([4, 4], ([i, j]) => rowOf(x, i!).sort((a, b) => b - a)[j!]!, "int32"),
  ]),
  onIntegers("matMul", integers([4, 9], -1000, 1000), [
    (tf, x) => tf.matMul(x, x, false, true),
    (x) => ({ ...matMul(x, swapLast(x)), dtype: "int32" }),
  ]),
  onIntegers("mean", integers([4, 9], -1000, 1000), [
    (tf, x) => tf.mean(x, 1),
    (x) => reduce(x, 1, mean, "float32"),
  ]),
  onIntegers("prod", integers([4, 5], -9, 10), [
    (tf, x) => tf.prod(x, 1),
    (x) => reduce(x, 1, wrappedProduct),
  ]),
  onIntegers("oneHot", list(LABELS), [
    (tf, x) => tf.oneHot(x, 5),
    (x) => build([4, 5], ([i, j]) => Number(x.values[i!] === j), "int32"),
  ]),
  onIntegers("oneHot of bools", list(LABELS), [
    (tf, x) => tf.oneHot(x, 5, 1, 0, "bool"),
    (x) => build([4, 5], ([i, j]) => Number(x.values[i!] === j), "bool"),
  ]),
  onIntegers("sum of bools", floats([3, 20]), [
    (tf, x) => tf.sum(tf.greater(x, 0), 1),
    (x) =>
      reduce(
        map(x, (v) => Number(v > 0)),
        1,
        wrappedSum,
        "int32",
      ),
  ]),
];
