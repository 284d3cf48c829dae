/** Convolutions, and images that become layers. */
import { convolution, depthwise, type Window } from "../../reference/plain-images.ts";
import { at, build } from "../../reference/plain-tensor.ts";
import { type ParityCase, floats, rank1, rank2, rank3, rank4, smooth } from "./parity-case.ts";

const conv2d = (window: Window): ParityCase =>
  smooth(
    `conv2d ${window.side}×${window.side}, stride ${window.stride}, ${window.pad}, dilation ${window.dilation ?? 1}`,
    {
      inputs: [floats([2, 6, 5, 3]), floats([window.side, window.side, 3, 4])],
      run: (tf, x, w) =>
        tf.conv2d(rank4(x), rank4(w), window.stride, window.pad, "NHWC", window.dilation ?? 1),
      plain: (x, w) => convolution(x, w, window),
    },
  );

const depthwiseConv2d = (multiplier: number): ParityCase => {
  const window: Window = { side: 3, stride: 1, pad: "same" };
  return smooth(`depthwiseConv2d with ${multiplier} filters each`, {
    inputs: [floats([2, 5, 5, 3]), floats([3, 3, 3, multiplier])],
    run: (tf, x, w) => tf.depthwiseConv2d(rank4(x), rank4(w), 1, "same"),
    plain: (x, w) => depthwise(x, w, window),
  });
};

const SAME: Window = { side: 3, stride: 1, pad: "same" };

export const convolutions: readonly ParityCase[] = [
  conv2d({ side: 3, stride: 1, pad: "same" }),
  conv2d({ side: 3, stride: 2, pad: "same" }),
  conv2d({ side: 3, stride: 1, pad: "valid" }),
  conv2d({ side: 1, stride: 1, pad: "same" }),
  conv2d({ side: 2, stride: 2, pad: "valid" }),
  conv2d({ side: 2, stride: 1, pad: "same", dilation: 2 }),
  smooth("fused.conv2d with bias and relu", {
    inputs: [floats([2, 5, 5, 3]), floats([3, 3, 3, 4]), floats([4])],
    run: (tf, x, w, bias) =>
      tf.fused.conv2d({
        x: rank4(x),
        filter: rank4(w),
        strides: 1,
        pad: "same",
        bias: rank1(bias),
        activation: "relu",
      }),
    plain: (x, w, bias) => {
      const y = convolution(x, w, SAME);
      return build(y.shape, ([n, i, j, f]) => Math.max(at(y, n!, i!, j!, f!) + at(bias, f!), 0));
    },
  }),
  smooth("conv1d", {
    inputs: [floats([2, 9, 3]), floats([3, 3, 4])],
    run: (tf, x, w) => tf.conv1d(rank3(x), rank3(w), 1, "same"),
    plain: (x, w) =>
      build([2, 9, 4], ([n, i, f]) => {
        let total = 0;
        for (let d = 0; d < 3; d++)
          for (let c = 0; c < 3; c++) total += at(x, n!, i! + d - 1, c) * at(w, d, c, f!);
        return total;
      }),
  }),
  depthwiseConv2d(1),
  depthwiseConv2d(2),
  smooth("conv2dTranspose", {
    inputs: [floats([1, 3, 3, 2]), floats([2, 2, 3, 2])],
    run: (tf, x, w) => tf.conv2dTranspose(rank4(x), rank4(w), [1, 6, 6, 3], 2, "valid"),
    plain: (x, w) =>
      build([1, 6, 6, 3], ([n, i, j, f]) => {
        let total = 0;
        for (let c = 0; c < 2; c++)
          total += at(x, n!, Math.floor(i! / 2), Math.floor(j! / 2), c) * at(w, i! % 2, j! % 2, f!, c);
        return total;
      }),
  }),
  smooth("separableConv2d", {
    inputs: [floats([1, 4, 4, 2]), floats([3, 3, 2, 1]), floats([1, 1, 2, 3])],
    run: (tf, x, w, p) => tf.separableConv2d(rank4(x), rank4(w), rank4(p), 1, "same"),
    plain: (x, w, p) => convolution(depthwise(x, w, SAME), p, { side: 1, stride: 1, pad: "same" }),
  }),
  smooth("an image flattened into a layer", {
    inputs: [floats([2, 3, 3, 2]), floats([18, 4])],
    run: (tf, x, w) => tf.matMul(tf.reshape(x, [2, 18]), rank2(w)),
    plain: (x, w) =>
      build([2, 4], ([n, f]) => {
        let total = 0;
        for (let k = 0; k < 18; k++) total += x.values[18 * n! + k]! * at(w, k, f!);
        return total;
      }),
  }),
];
