/** The ring engines there are: on worker threads, and on the thread of the caller. */
import { availableParallelism } from "node:os";
import { invariant } from "@bulkhead/base";
import { HandedRingEngine } from "./handed-ring-engine.ts";
import type { RingEngine } from "./ring-engine.ts";
import { inlineHand, threadHand } from "./ring-hand.ts";
import { selfTestRingEngine } from "./self-test.ts";

/** More threads than these find the memory busy. */
const MOST_THREADS = 4;

/** One core is left to the caller, which has links and training to serve. */
const defaultThreads = (): number => Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1));

/** Opens the engine "threads"; throws where it fails its self-test. It never keeps the process alive while idle. */
export const openRingEngine = async ({
  threads = defaultThreads(),
}: { readonly threads?: number } = {}): Promise<RingEngine> => {
  invariant(Number.isInteger(threads) && threads > 0, "a ring engine has at least one thread");
  const engine = new HandedRingEngine("threads", Array.from({ length: threads }, threadHand));
  try {
    await selfTestRingEngine(engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
};

/** The same kernels on the thread of the caller, which they block: for simulations and tests. */
export const inlineRingEngine = (): RingEngine => new HandedRingEngine("inline", [inlineHand()]);
