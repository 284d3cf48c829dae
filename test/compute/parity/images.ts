/** Pools, and images of another size. */
import { pool, type Window } from "../../reference/plain-images.ts";
import { at, build, mean } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, rank4, smooth } from "./parity-case.ts";

const maxPool = (name: string, window: Window, from: number, to: number): ParityCase =>
  smooth(`maxPool ${name}`, {
    inputs: [floats([2, 7, 6, 3], from, to)],
    run: (tf, x) => tf.maxPool(rank4(x), window.side, window.stride, window.pad),
    plain: (x) => pool(x, window, (values) => Math.max(...values)),
  });

export const images: readonly ParityCase[] = [
  maxPool("2×2", { side: 2, stride: 2, pad: "same" }, -1, 1),
  maxPool("3×3 that overlap", { side: 3, stride: 2, pad: "valid" }, -1, 1),
  maxPool("of negative values alone", { side: 2, stride: 2, pad: "valid" }, -2, -1),
  smooth("avgPool whose last windows are cut", {
    inputs: [floats([2, 7, 6, 3])],
    run: (tf, x) => tf.avgPool(rank4(x), 2, 2, "same"),
    plain: (x) => pool(x, { side: 2, stride: 2, pad: "same" }, mean),
  }),
  smooth("avgPool whose windows all fit", {
    inputs: [floats([2, 7, 6, 3])],
    run: (tf, x) => tf.avgPool(rank4(x), 3, 1, "valid"),
    plain: (x) => pool(x, { side: 3, stride: 1, pad: "valid" }, mean),
  }),
  smooth("resizeBilinear of a square image", {
    inputs: [floats([1, 3, 3, 2])],
    run: (tf, x) => tf.image.resizeBilinear(rank4(x), [5, 5], true),
    plain: (x) =>
      build([1, 5, 5, 2], ([n, i, j, c]) =>
        mean(
          [Math.floor, Math.ceil].flatMap((row) =>
            [Math.floor, Math.ceil].map((column) => at(x, n!, row(i! / 2), column(j! / 2), c!)),
          ),
        ),
      ),
  }),
  smooth("resizeBilinear to twice the size", {
    inputs: [floats([1, 3, 4, 2])],
    run: (tf, x) => tf.image.resizeBilinear(rank4(x), [5, 7], true),
    plain: (x) =>
      build([1, 5, 7, 2], ([n, i, j, c]) => {
        const [row, column] = [Math.floor(i! / 2), Math.floor(j! / 2)];
        const [below, right] = [Math.ceil(i! / 2), Math.ceil(j! / 2)];
        return mean([
          at(x, n!, row, column, c!),
          at(x, n!, row, right, c!),
          at(x, n!, below, column, c!),
          at(x, n!, below, right, c!),
        ]);
      }),
  }),
  smooth("resizeNearestNeighbor", {
    inputs: [floats([1, 3, 4, 2])],
    run: (tf, x) => tf.image.resizeNearestNeighbor(rank4(x), [6, 8]),
    plain: (x) =>
      build([1, 6, 8, 2], ([n, i, j, c]) => at(x, n!, Math.floor(i! / 2), Math.floor(j! / 2), c!)),
  }),
  smooth("localResponseNormalization", {
    inputs: [floats([1, 2, 3, 7])],
    run: (tf, x) => tf.localResponseNormalization(rank4(x), 2, 1, 0.5, 0.75),
    plain: (x) =>
      build([1, 2, 3, 7], ([n, i, j, c]) => {
        let squares = 0;
        for (let d = -2; d <= 2; d++) squares += at(x, n!, i!, j!, c! + d) ** 2;
        return at(x, n!, i!, j!, c!) * (1 + 0.5 * squares) ** -0.75;
      }),
  }),
];
