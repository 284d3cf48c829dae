/** TensorFlow.js itself and its types: the rest of the product names them from here. */
import type * as tfjs from "@tensorflow/tfjs";

export type TensorFlow = typeof tfjs.default;
export type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, TensorInfo } from "@tensorflow/tfjs";

/** The union package, because `tfjs-core` alone has no gradients that load in Node. It prints no greeting. */
export const loadTensorFlow = async (): Promise<TensorFlow> => {
  const { default: tf } = await import("@tensorflow/tfjs");
  tf.env().set("PROD", true);
  return tf;
};
