/**
 * The gradient of `avgPool` on cpu and wasm divides by the whole window, also where the window was cut at the edge and
 * the mean is of fewer values. Such windows are refused there; TensorFlow itself has them right.
 */
import { invariant } from "@bulkhead/base";
import { type KernelCall, replaceWhere } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";

export const refuseCutWindows = (tf: TensorFlow, backendName: string): void =>
  replaceWhere(
    tf,
    [backendName, "AvgPoolGrad"],
    (call) => hasCutWindows(tf, call),
    () => {
      throw new Error(
        `AvgPoolGrad on ${backendName}: wrong where a window is cut at the edge, and refused; pad "valid" cuts none`,
      );
    },
  );

type Side = number | [number, number];

const hasCutWindows = (tf: TensorFlow, { inputs, attrs }: KernelCall): boolean => {
  const [batch, rows, columns, channels] = inputs["input"]?.shape ?? [];
  invariant(channels !== undefined, "AvgPoolGrad is given images of four axes");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the attributes of AvgPoolGrad
  const { filterSize, strides, pad } = attrs as unknown as {
    readonly filterSize: Side;
    readonly strides: Side;
    readonly pad: "same" | "valid" | number;
  };
  const shape: [number, number, number, number] = [batch!, rows!, columns!, channels];
  const { padInfo } = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad);
  return padInfo.top + padInfo.bottom + padInfo.left + padInfo.right > 0;
};
