/** The worker thread of the ring engine: does the tasks that {@link threadHand} hands it, one after the other. */
import { serveThreadCalls } from "../thread-calls.ts";
import { performRingTask, type RingTask } from "./ring-task.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `threadHand` calls this thread
serveThreadCalls((task) => performRingTask(task as RingTask));
