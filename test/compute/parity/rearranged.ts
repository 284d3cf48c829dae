/** Data that is padded, mirrored, and laid out anew. */
import { at, build } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, rank4, smooth } from "./parity-case.ts";

/** Where a value outside comes from when the edge is a mirror. */
const mirrored = (i: number, side: number, repeatsEdge: boolean): number => {
  if (i < 0) return -i - (repeatsEdge ? 1 : 0);
  return i >= side ? 2 * (side - 1) - i + (repeatsEdge ? 1 : 0) : i;
};

const mirrorPad = (mode: "reflect" | "symmetric"): ParityCase =>
  smooth(`mirrorPad ${mode}`, {
    inputs: [floats([3, 4])],
    run: (tf, x) =>
      tf.mirrorPad(
        x,
        [
          [1, 2],
          [2, 1],
        ],
        mode,
      ),
    plain: (x) => {
      const repeats = mode === "symmetric";
      return build([6, 7], ([i, j]) => at(x, mirrored(i! - 1, 3, repeats), mirrored(j! - 2, 4, repeats)));
    },
  });

export const rearranged: readonly ParityCase[] = [
  smooth("pad", {
    inputs: [floats([2, 3])],
    run: (tf, x) =>
      tf.pad(x, [
        [1, 1],
        [0, 2],
      ]),
    plain: (x) => build([4, 5], ([i, j]) => at(x, i! - 1, j!)),
  }),
  smooth("pad with a constant, four axes", {
    inputs: [floats([2, 1, 3, 2])],
    run: (tf, x) =>
      tf.pad(
        x,
        [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ],
        0.5,
      ),
    plain: (x) =>
      build([2, 2, 4, 2], ([i, j, k, l]) => (j === 0 || k === 3 ? 0.5 : at(x, i!, j! - 1, k!, l!))),
  }),
  mirrorPad("reflect"),
  mirrorPad("symmetric"),
  smooth("reverse", {
    inputs: [floats([2, 3, 4])],
    run: (tf, x) => tf.reverse(x, [0, 2]),
    plain: (x) => build([2, 3, 4], ([i, j, k]) => at(x, 1 - i!, j!, 3 - k!)),
  }),
  smooth("depthToSpace", {
    inputs: [floats([1, 2, 2, 8])],
    run: (tf, x) => tf.depthToSpace(rank4(x), 2),
    plain: (x) =>
      build([1, 4, 4, 2], ([n, i, j, c]) =>
        at(x, n!, Math.floor(i! / 2), Math.floor(j! / 2), 4 * (i! % 2) + 2 * (j! % 2) + c!),
      ),
  }),
  smooth("spaceToBatchND", {
    inputs: [floats([1, 4, 4, 2])],
    run: (tf, x) =>
      tf.spaceToBatchND(
        x,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    plain: (x) =>
      build([4, 2, 2, 2], ([n, i, j, c]) => at(x, 0, 2 * i! + Math.floor(n! / 2), 2 * j! + (n! % 2), c!)),
  }),
  smooth("batchToSpaceND", {
    inputs: [floats([4, 2, 2, 2])],
    run: (tf, x) =>
      tf.batchToSpaceND(
        x,
        [2, 2],
        [
          [0, 0],
          [0, 0],
        ],
      ),
    plain: (x) =>
      build([1, 4, 4, 2], ([, i, j, c]) =>
        at(x, 2 * (i! % 2) + (j! % 2), Math.floor(i! / 2), Math.floor(j! / 2), c!),
      ),
  }),
  smooth("linalg.bandPart", {
    inputs: [floats([5, 5])],
    run: (tf, x) => tf.linalg.bandPart(x, 1, 0),
    plain: (x) => build([5, 5], ([i, j]) => (i! - j! <= 1 && j! <= i! ? at(x, i!, j!) : 0)),
  }),
  smooth("a causal mask added", {
    inputs: [floats([2, 4, 4])],
    run: (tf, x) => tf.add(x, tf.mul(tf.sub(1, tf.linalg.bandPart(tf.ones([4, 4]), -1, 0)), -64)),
    plain: (x) => build([2, 4, 4], ([n, i, j]) => at(x, n!, i!, j!) - (j! > i! ? 64 : 0)),
  }),
];
