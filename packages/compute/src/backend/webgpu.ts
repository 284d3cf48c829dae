/** The `webgpu` backend: the GPU's own kernels through Dawn, with the repairs that training needs. */
import { openWebgpuDevice, type WebgpuDevice } from "../webgpu-device.ts";
import { isFirstTime } from "./kernels.ts";
import type { TensorFlow } from "./tensorflow.ts";
import { guardWebgpuBackend } from "./webgpu-guard.ts";
import { repairWebgpuKernels } from "./webgpu-repairs.ts";

export interface OpenedWebgpu {
  /** Of the GPU. */
  readonly name: string;
  readonly isSoftware: boolean;
}

/** Throws, in one line with its cure, when there is no GPU, or only a software renderer that is not wanted. */
export const openWebgpu = async (
  tf: TensorFlow,
  { software }: { readonly software: boolean },
): Promise<OpenedWebgpu> => {
  opened ??= await openWebgpuDevice();
  if (opened.isSoftware && !software) throw new Error(`${opened.name} is a software renderer`);
  await registerBackend(tf, opened);
  if (!(await tf.setBackend("webgpu"))) throw new Error("WebGPU did not start");
  return opened;
};

/** A thread has one TensorFlow.js, and that one GPU. */
let opened: WebgpuDevice | undefined;

const registerBackend = async (tf: TensorFlow, gpu: WebgpuDevice): Promise<void> => {
  if (!isFirstTime(gpu)) return;
  // The backend finds there what a browser has.
  Object.assign(globalThis, gpu.globals);
  const forget = showInNavigator(gpu.gpu);
  try {
    const { default: webgpu } = await import("@tensorflow/tfjs-backend-webgpu");
    const backend = new webgpu.WebGPUBackend(gpu.device, gpu.info);
    guardWebgpuBackend(backend, gpu);
    tf.removeBackend("webgpu");
    tf.registerBackend("webgpu", () => backend);
  } finally {
    forget();
  }
  repairWebgpuKernels(tf);
};

/** TensorFlow.js asks a browser's object whether there is WebGPU, once. */
const showInNavigator = (gpu: GPU): (() => void) => {
  const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  return () => {
    Reflect.deleteProperty(globalThis, "navigator");
    if (before !== undefined) Object.defineProperty(globalThis, "navigator", before);
  };
};
