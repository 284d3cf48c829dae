/** The worker thread of the ring engine: does the tasks that {@link threadHand} hands it, one after the other. */
import { workerData } from "node:worker_threads";
import { serveThreadCalls } from "../thread-calls.ts";
import type { KernelSet } from "./lane-kernels.ts";
import { performRingTask, type RingTask } from "./ring-task.ts";
import { ringTools } from "./ring-tools.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `threadHand` starts this thread
const { kernels } = workerData as { readonly kernels?: KernelSet };
const tools = ringTools(kernels);

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `threadHand` calls this thread
serveThreadCalls((task) => performRingTask(task as RingTask, tools));
