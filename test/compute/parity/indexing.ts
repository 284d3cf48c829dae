/** Rows and values taken by their numbers, and put back: embeddings and labels. */
import { at, build, type PlainTensor } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, forward, list, rank1, smooth } from "./parity-case.ts";

const INDICES = [2, 0, 9, 2, 5, 2];

const segments = (x: PlainTensor, ids: PlainTensor, count: number): PlainTensor => {
  const width = x.values.length / ids.values.length;
  const total = (id: number, j: number) =>
    ids.values.reduce((sum, own, i) => (own === id ? sum + x.values[i * width + j]! : sum), 0);
  const place = (inner: readonly number[]) =>
    inner.reduce((index, coordinate, axis) => index * x.shape[axis + 1]! + coordinate, 0);
  return build([count, ...x.shape.slice(1)], ([id, ...inner]) => total(id!, place(inner)), x.dtype);
};

export const indexing: readonly ParityCase[] = [
  smooth("gather of rows", {
    inputs: [floats([10, 4])],
    run: (tf, x) => tf.gather(x, tf.tensor1d(INDICES, "int32")),
    plain: (x) => build([6, 4], ([i, j]) => at(x, INDICES[i!]!, j!)),
  }),
  smooth("gather of rows by a matrix", {
    inputs: [floats([10, 4])],
    run: (tf, x) => tf.gather(x, tf.tensor2d(INDICES, [2, 3], "int32")),
    plain: (x) => build([2, 3, 4], ([m, i, j]) => at(x, INDICES[3 * m! + i!]!, j!)),
  }),
  smooth("gather along a middle axis", {
    inputs: [floats([3, 10, 2])],
    run: (tf, x) => tf.gather(x, tf.tensor1d(INDICES, "int32"), 1),
    plain: (x) => build([3, 6, 2], ([i, j, k]) => at(x, i!, INDICES[j!]!, k!)),
  }),
  smooth("gather along the last axis", {
    inputs: [floats([3, 10])],
    run: (tf, x) => tf.gather(x, tf.tensor1d(INDICES, "int32"), 1),
    plain: (x) => build([3, 6], ([i, j]) => at(x, i!, INDICES[j!]!)),
  }),
  smooth("gather from each batch its own", {
    inputs: [floats([2, 10, 4])],
    run: (tf, x) => tf.gather(x, tf.tensor2d(INDICES, [2, 3], "int32"), 1, 1),
    plain: (x) => build([2, 3, 4], ([n, i, j]) => at(x, n!, INDICES[3 * n! + i!]!, j!)),
  }),
  smooth("gatherND", {
    inputs: [floats([10, 4])],
    run: (tf, x) => tf.gatherND(x, tf.tensor2d([0, 1, 3, 2, 0, 1], [3, 2], "int32")),
    plain: (x) => build([3], ([i]) => at(x, [0, 3, 0][i!]!, [1, 2, 1][i!]!)),
  }),
  forward("gatherND of rows", {
    inputs: [floats([10, 4])],
    run: (tf, x) => tf.gatherND(x, tf.tensor2d([7, 1, 7], [3, 1], "int32")),
    plain: (x) => build([3, 4], ([i, j]) => at(x, [7, 1, 7][i!]!, j!)),
  }),
  smooth("unsortedSegmentSum", {
    inputs: [floats([6, 4])],
    run: (tf, x) => tf.unsortedSegmentSum(x, tf.tensor1d([0, 2, 2, 1, 0, 5], "int32"), 7),
    plain: (x) => segments(x, list([0, 2, 2, 1, 0, 5]), 7),
  }),
  smooth("unsortedSegmentSum of three axes", {
    inputs: [floats([5, 2, 3])],
    run: (tf, x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1, 2, 1], "int32"), 3),
    plain: (x) => segments(x, list([1, 0, 1, 2, 1]), 3),
  }),
  smooth("unsortedSegmentSum without rows of a negative segment", {
    inputs: [floats([4, 3])],
    run: (tf, x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, -1, 0, 1], "int32"), 2),
    plain: (x) => segments(x, list([1, -1, 0, 1]), 2),
  }),
  smooth("an embedding by oneHot", {
    inputs: [floats([10, 4])],
    run: (tf, x) => tf.matMul(tf.oneHot(tf.tensor1d([1, 4, 4], "int32"), 10, 1, 0, "float32"), x),
    plain: (x) => build([3, 4], ([i, j]) => at(x, [1, 4, 4][i!]!, j!)),
  }),
  forward("oneHot", {
    inputs: [list([1, 4, 0, 4])],
    run: (tf, x) => tf.oneHot(x, 5, 0.9, 0.1, "float32"),
    plain: (x) => build([4, 5], ([i, j]) => (x.values[i!] === j ? 0.9 : 0.1)),
  }),
  forward("oneHot of a number that has no place", {
    inputs: [list([1, -1, 5])],
    run: (tf, x) => tf.oneHot(x, 3, 1, 0, "float32"),
    plain: (x) => build([3, 3], ([i, j]) => Number(x.values[i!] === j)),
  }),
  forward("scatterND", {
    inputs: [floats([3, 4])],
    run: (tf, x) => tf.scatterND(tf.tensor2d([1, 0, 1], [3, 1], "int32"), x, [5, 4]),
    plain: (x) => segments(x, list([1, 0, 1]), 5),
  }),
  forward("tensorScatterUpdate", {
    inputs: [floats([5]), floats([2])],
    run: (tf, x, y) => tf.tensorScatterUpdate(x, tf.tensor2d([1, 3], [2, 1], "int32"), y),
    plain: (x, y) => build([5], ([i]) => (i === 1 ? at(y, 0) : i === 3 ? at(y, 1) : at(x, i!))),
  }),
  forward("sparseToDense", {
    inputs: [floats([3])],
    run: (tf, x) => tf.sparseToDense(tf.tensor1d([0, 2, 4], "int32"), rank1(x), [5], 0.5),
    plain: (x) => build([5], ([i]) => (i! % 2 === 0 ? at(x, i! / 2) : 0.5)),
  }),
];
