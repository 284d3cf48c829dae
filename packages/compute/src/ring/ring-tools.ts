/** What ring tasks are done with: the best kernels that this thread has, and the keystream. */
import { openKeystream } from "@bulkhead/crypto";
import type { KernelSet, LaneKernels } from "./lane-kernels.ts";
import { plainKernels } from "./plain-kernels.ts";
import { openSimdKernels } from "./simd-kernels.ts";

export interface RingTools {
  readonly kernels: LaneKernels;
  readonly openKeystream: typeof openKeystream;
}

let best: LaneKernels | undefined;

/** SIMD where WebAssembly has it, unless a set is named. The kernels of a thread share one small memory. */
export const ringTools = (set?: KernelSet): RingTools => {
  if (set === "plain") return { kernels: plainKernels, openKeystream };
  best ??= openSimdKernels() ?? plainKernels;
  return { kernels: best, openKeystream };
};
