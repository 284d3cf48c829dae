/** Who does ring tasks: this thread, or a worker thread. */
import { invariant } from "@bulkhead/base";
import { openThreadCalls } from "../thread-calls.ts";
import { performRingTask, type RingTask } from "./ring-task.ts";

export interface RingHand {
  /** Gives what {@link performRingTask} gives. */
  readonly perform: (task: RingTask) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const inlineHand = (): RingHand => ({
  perform: async (task) => performRingTask(task),
  close: async () => {},
});

export const threadHand = (): RingHand => {
  const thread = openThreadCalls(new URL("./ring-thread.ts", import.meta.url));
  return {
    perform: async (task) => {
      const count = await thread.call(task);
      invariant(typeof count === "number", "a ring thread answers with a count");
      return count;
    },
    close: () => thread.close(),
  };
};
