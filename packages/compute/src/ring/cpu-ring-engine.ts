/** The ring engine on the processor: `cpu` on worker threads, and `inline` on the thread of the caller. */
import { availableParallelism } from "node:os";
import { invariant } from "@bulkhead/base";
import { HandedRingEngine } from "./handed-ring-engine.ts";
import type { KernelSet } from "./lane-kernels.ts";
import type { RingEngine } from "./ring-engine.ts";
import { inlineHand, threadHand } from "./ring-hand.ts";
import { type RingTools, ringTools } from "./ring-tools.ts";

/** More threads than these find the memory busy. */
const MOST_THREADS = 4;

/** One core is left to the caller, which has links and training to serve. */
const defaultThreads = (): number => Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1));

export interface CpuOptions {
  readonly threads?: number;
  /** SIMD where there is any, unless a set is named. */
  readonly kernels?: KernelSet;
}

/** Not yet tested. It never keeps the process alive while idle. */
export const cpuRingEngine = ({ threads = defaultThreads(), kernels }: CpuOptions = {}): RingEngine => {
  invariant(Number.isInteger(threads) && threads > 0, "a ring engine has at least one thread");
  const tools = ringTools(kernels);
  const detail = `${threads} ${threads === 1 ? "thread" : "threads"}, ${KERNELS[tools.kernels.name]}`;
  const others = Array.from({ length: threads }, () => threadHand(kernels));
  return new HandedRingEngine({ name: "cpu", detail }, { own: inlineHand(tools), others });
};

const KERNELS = { simd: "WebAssembly SIMD", plain: "plain kernels" } as const;

/** The same kernels on the thread of the caller, which they block: for simulations and tests. Not tested at opening. */
export const inlineRingEngine = (tools: RingTools = ringTools()): RingEngine => {
  const detail = `the caller's thread, ${KERNELS[tools.kernels.name]}`;
  return new HandedRingEngine({ name: "inline", detail }, { own: inlineHand(tools), others: [] });
};
