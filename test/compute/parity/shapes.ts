/** Data that moves and does not change. */
import { at, build, map, reshape, transpose, zip } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, forward, rank2, smooth } from "./parity-case.ts";

const transposition = (shape: readonly number[], perm: number[]): ParityCase =>
  smooth(`transpose of ${shape.length} axes to ${perm.join()}`, {
    inputs: [floats(shape)],
    run: (tf, x) => tf.transpose(x, perm),
    plain: (x) => transpose(x, perm),
  });

export const shapes: readonly ParityCase[] = [
  transposition([33, 17], [1, 0]),
  transposition([2, 3, 4], [2, 0, 1]),
  transposition([2, 3, 4, 5], [0, 2, 1, 3]),
  transposition([2, 3, 4, 5], [3, 1, 0, 2]),
  transposition([2, 2, 3, 2, 3], [0, 3, 1, 4, 2]),
  smooth("reshape, expandDims, squeeze", {
    inputs: [floats([2, 3, 4])],
    run: (tf, x) => tf.squeeze(tf.expandDims(tf.reshape(x, [6, 4]), 0)),
    plain: (x) => reshape(x, [6, 4]),
  }),
  smooth("slice", {
    inputs: [floats([4, 6, 3])],
    run: (tf, x) => tf.slice(x, [1, 2, 0], [2, 3, 3]),
    plain: (x) => build([2, 3, 3], ([i, j, k]) => at(x, i! + 1, j! + 2, k!)),
  }),
  smooth("stridedSlice", {
    inputs: [floats([4, 6])],
    run: (tf, x) => tf.stridedSlice(x, [0, 1], [4, 6], [2, 2]),
    plain: (x) => build([2, 3], ([i, j]) => at(x, 2 * i!, 1 + 2 * j!)),
  }),
  smooth("concat along the last axis", {
    inputs: [floats([2, 3]), floats([2, 5])],
    run: (tf, x, y) => tf.concat([x, y], -1),
    plain: (x, y) => build([2, 8], ([i, j]) => (j! < 3 ? at(x, i!, j!) : at(y, i!, j! - 3))),
  }),
  smooth("concat along the first axis", {
    inputs: [floats([2, 3]), floats([4, 3])],
    run: (tf, x, y) => tf.concat([x, y], 0),
    plain: (x, y) => build([6, 3], ([i, j]) => (i! < 2 ? at(x, i!, j!) : at(y, i! - 2, j!))),
  }),
  smooth("split", {
    inputs: [floats([2, 6])],
    run: (tf, x) => {
      const [first, second, third] = tf.split(x, [1, 3, 2], 1);
      return tf.concat([tf.mul(third!, 3), tf.mul(first!, 2), second!], 1);
    },
    plain: (x) =>
      build([2, 6], ([i, j]) => {
        if (j! < 2) return 3 * at(x, i!, 4 + j!);
        return j === 2 ? 2 * at(x, i!, 0) : at(x, i!, j! - 2);
      }),
  }),
  smooth("stack", {
    inputs: [floats([2, 3]), floats([2, 3])],
    run: (tf, x, y) => tf.stack([x, y], 1),
    plain: (x, y) => build([2, 2, 3], ([i, which, j]) => at(which === 0 ? x : y, i!, j!)),
  }),
  smooth("unstack", {
    inputs: [floats([2, 3])],
    run: (tf, x) => {
      const [first, second] = tf.unstack(x, 0);
      return tf.sub(first!, tf.mul(second!, second!));
    },
    plain: (x) => build([3], ([j]) => at(x, 0, j!) - at(x, 1, j!) ** 2),
  }),
  smooth("tile", {
    inputs: [floats([2, 3])],
    run: (tf, x) => tf.tile(x, [2, 3]),
    plain: (x) => build([4, 9], ([i, j]) => at(x, i! % 2, j! % 3)),
  }),
  smooth("broadcastTo", {
    inputs: [floats([2, 1, 3])],
    run: (tf, x) => tf.broadcastTo(x, [2, 4, 3]),
    plain: (x) => build([2, 4, 3], ([i, , k]) => at(x, i!, 0, k!)),
  }),
  forward("eye, ones, linspace, range", {
    inputs: [floats([4, 4])],
    run: (tf, x) =>
      tf.add(
        tf.add(rank2(x), tf.mul(tf.eye(4), tf.ones([4, 4]))),
        tf.add(tf.linspace(0, 3, 4), tf.cast(tf.range(4, 0, -1, "int32"), "float32")),
      ),
    plain: (x) =>
      zip(
        x,
        build([4, 4], ([i, j]) => (i === j ? 1 : 0) + j! + 4 - j!),
        (a, b) => a + b,
      ),
  }),
  forward("onesLike, zerosLike", {
    inputs: [floats([2, 3])],
    run: (tf, x) => tf.sub(tf.onesLike(x), tf.zerosLike(x)),
    plain: (x) => map(x, () => 1),
  }),
];
