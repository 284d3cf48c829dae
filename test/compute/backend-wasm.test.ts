import { openBackend, type Tensor, type Tensor4D, type TensorFlow } from "@bulkhead/compute";
import { beforeAll, describe, expect, test } from "vitest";

let tf: TensorFlow;
beforeAll(async () => {
  ({ tf } = await openBackend("wasm"));
});

const numbers = (shape: readonly number[], start: number): Tensor => {
  const size = shape.reduce((product, side) => product * side, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(start + i * 7.77));
  return tf.tensor(values, [...shape]);
};

/** The sum over the inner side by plain broadcasting arithmetic: what a product is. */
const slowMatMul = (a: Tensor, b: Tensor): Tensor =>
  tf.sum(tf.mul(tf.expandDims(a, -1), tf.expandDims(b, -3)), -2);

const swapLast = (x: Tensor): Tensor => {
  const axes = [...x.shape.keys()];
  return tf.transpose(x, [...axes.slice(0, -2), axes.length - 1, axes.length - 2]);
};

const reshape4 = (x: Tensor, shape: [number, number, number, number]): Tensor4D => tf.reshape(x, shape);

const distance = (a: Tensor, b: Tensor): number => {
  expect(a.shape).toEqual(b.shape);
  return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;
};

describe("matrix products on wasm", () => {
  test.each([
    { a: [5, 7], b: [7, 3] },
    { a: [1, 64], b: [64, 1] },
    { a: [2, 5, 7], b: [2, 7, 3] },
    { a: [2, 3, 8, 49], b: [2, 3, 49, 6] },
    { a: [2, 3, 4, 5], b: [2, 1, 5, 6] },
    { a: [1, 3, 4, 5], b: [2, 3, 5, 6] },
    { a: [4, 9, 5], b: [1, 5, 6] },
    { a: [1, 9, 5], b: [4, 5, 6] },
    // More than one block of the inner side, of the columns, and of the rows beside a narrow panel.
    { a: [3, 300], b: [300, 8] },
    { a: [6, 259], b: [259, 270] },
    { a: [261, 4], b: [4, 11] },
  ])("$a by $b agrees with its definition, transposed or not", ({ a, b }) => {
    const [left, right] = [numbers(a, 1), numbers(b, 2)];
    const wanted = slowMatMul(left, right);
    expect(distance(tf.matMul(left, right), wanted)).toBeLessThan(3e-5);
    expect(distance(tf.matMul(swapLast(left), right, true), wanted)).toBeLessThan(3e-5);
    expect(distance(tf.matMul(left, swapLast(right), false, true), wanted)).toBeLessThan(3e-5);
    expect(distance(tf.matMul(swapLast(left), swapLast(right), true, true), wanted)).toBeLessThan(3e-5);
  });

  test("sides of length zero give nothing, or zeros", () => {
    expect(tf.matMul(tf.zeros([0, 3]), tf.zeros([3, 2])).shape).toEqual([0, 2]);
    const full = tf.ones([4, 9]);
    full.dispose();
    expect([...tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])).dataSync()]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test("a row of the result does not depend on the rows beside it, nor on a transposed operand", () => {
    const [a, b] = [numbers([7, 300], 1), numbers([300, 21], 2)];
    const all = tf.matMul(a, b).dataSync();
    for (const row of [0, 3, 6]) {
      const one = tf.slice(a, [row, 0], [1, 300]);
      const wanted = all.slice(row * 21, row * 21 + 21);
      expect(tf.matMul(one, b).dataSync()).toEqual(wanted);
      expect(tf.matMul(one, swapLast(b), false, true).dataSync()).toEqual(wanted);
    }
  });

  test("a thousand products leave neither tensors nor data behind", () => {
    const [a, b] = [numbers([2, 4, 6], 1), numbers([2, 5, 6], 2)];
    const before = [tf.memory().numTensors, tf.backend().numDataIds()];
    for (let i = 0; i < 1000; i++) tf.matMul(a, b, false, true).dispose();
    expect([tf.memory().numTensors, tf.backend().numDataIds()]).toEqual(before);
  });
});

describe("transpositions on wasm", () => {
  test.each([
    { shape: [2, 3, 4], perm: [1, 0, 2] },
    { shape: [3, 2, 5, 7], perm: [0, 2, 1, 3] },
    { shape: [2, 4, 3, 2, 33], perm: [2, 0, 3, 1, 4] },
    { shape: [2, 3, 4, 16], perm: [2, 1, 0, 3] },
    // The kernel of the backend itself: runs too short, or another last axis.
    { shape: [4, 5, 3], perm: [1, 0, 2] },
    { shape: [4, 5, 6], perm: [0, 2, 1] },
  ])("$shape by $perm puts each value where it belongs", ({ shape, perm }) => {
    const x = numbers(shape, 3);
    for (const each of [x, tf.cast(tf.mul(x, 1e9), "int32")]) {
      const turned = tf.transpose(each, perm);
      expect(turned.shape).toEqual(perm.map((axis) => shape[axis]));
      expect([...turned.dataSync()]).toEqual(transposed([...each.dataSync()], shape, perm));
    }
  });
});

/** By the index of each value. */
const transposed = (
  values: readonly number[],
  shape: readonly number[],
  perm: readonly number[],
): number[] => {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  return perm
    .reduce<readonly number[]>(
      (places, axis) =>
        places.flatMap((at) => Array.from({ length: shape[axis]! }, (_, i) => at + i * strides[axis]!)),
      [0],
    )
    .map((at) => values[at]!);
};

describe("kernels that wasm lacks or gets wrong", () => {
  test("gather along a batch takes each row from its own batch", () => {
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const indices = tf.tensor2d([2, 0, 1, 1], [2, 2], "int32");
    expect([...tf.gather(table, indices, 1, 1).dataSync()]).toEqual([3, 1, 5, 5]);
  });

  test("the gradient of maxPool goes to the largest value, also where all are negative", () => {
    const x = tf.tensor4d([-4, -3, -2, -1], [1, 2, 2, 1]);
    const gradient = tf.grad((input: Tensor) =>
      tf.sum(tf.maxPool(reshape4(input, [1, 2, 2, 1]), 2, 2, "valid")),
    );
    expect([...gradient(x).dataSync()]).toEqual([0, 0, 0, 1]);
  });

  test("the gradient of a convolution's filter sums over positions", () => {
    const x = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1]);
    const filter = tf.tensor4d([1], [1, 1, 1, 1]);
    const gradient = tf.grad((weights: Tensor) =>
      tf.sum(tf.conv2d(x, reshape4(weights, [1, 1, 1, 1]), 1, "valid")),
    );
    expect([...gradient(filter).dataSync()]).toEqual([10]);
  });

  test("einsum contracts as written", () => {
    const [a, b] = [tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])];
    expect([...tf.einsum("ij,jk->ik", a, b).dataSync()]).toEqual([19, 22, 43, 50]);
  });
});
