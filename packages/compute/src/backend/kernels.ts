/** The registry of TensorFlow.js, in which a backend's kernel stands under its name, and how one there is replaced. */
import { invariant } from "@bulkhead/base";
import type { KernelConfig } from "@tensorflow/tfjs";
import type { TensorFlow } from "./tensorflow.ts";

export type Kernel = KernelConfig["kernelFunc"];
export type KernelCall = Parameters<Kernel>[0];

/** The kernel in force; that there is one is the caller's knowledge of TensorFlow.js 4.22.0. */
export const kernelOf = (tf: TensorFlow, backendName: string, kernelName: string): Kernel => {
  const kernel = tf.getKernel(kernelName, backendName)?.kernelFunc;
  invariant(kernel !== undefined, `${backendName} has a ${kernelName} kernel`);
  return kernel;
};

export const replaceKernel = (
  tf: TensorFlow,
  backendName: string,
  kernelName: string,
  kernelFunc: Kernel,
): void => {
  if (tf.getKernel(kernelName, backendName) !== undefined) tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ kernelName, backendName, kernelFunc });
};

/** The kernel in force stays so for all calls but those that `isWrong` finds. */
export const replaceWhere = (
  tf: TensorFlow,
  [backendName, kernelName]: readonly [string, string],
  isWrong: (call: KernelCall) => boolean,
  repaired: Kernel,
): void => {
  const stock = kernelOf(tf, backendName, kernelName);
  replaceKernel(tf, backendName, kernelName, (call) => (isWrong(call) ? repaired(call) : stock(call)));
};

const done = new WeakSet<object>();

/** Whether `thing` is asked for the first time: a backend that is opened again is repaired already. */
export const isFirstTime = (thing: object): boolean => {
  if (done.has(thing)) return false;
  done.add(thing);
  return true;
};

/** Whether the first operand is of whole numbers. */
export const isOfIntegers = ({ inputs }: KernelCall): boolean =>
  (inputs["x"] ?? inputs["a"])?.dtype === "int32";
