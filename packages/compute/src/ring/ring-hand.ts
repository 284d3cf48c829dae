/** Who does ring tasks: this thread, or a worker thread. */
import { invariant } from "@bulkhead/base";
import { openThreadCalls } from "../thread-calls.ts";
import { copyBytes } from "./copy-bytes.ts";
import type { KernelSet } from "./lane-kernels.ts";
import { performRingTask, type RingTask } from "./ring-task.ts";
import { ringTools } from "./ring-tools.ts";
import { laneBytes } from "./ring-vector.ts";

export interface RingHand {
  /** Gives what {@link performRingTask} gives. One task at a time. */
  readonly perform: (task: RingTask) => Promise<number>;
  readonly close: () => Promise<void>;
}

export const inlineHand = (tools = ringTools()): RingHand => ({
  perform: async (task) => performRingTask(task, tools),
  close: async () => {},
});

/** What is not in shared memory reaches the thread through a stage of so many bytes. */
const STAGE = 1024 * 1024;

export const threadHand = (kernels?: KernelSet): RingHand => {
  const thread = openThreadCalls(new URL("./ring-thread.ts", import.meta.url), { kernels });
  const stage = new Uint8Array(new SharedArrayBuffer(STAGE));
  return {
    perform: async (task) => {
      let sum = 0;
      for (const staged of stagedTasks(task, stage)) {
        const count = await thread.call(staged);
        invariant(typeof count === "number", "a ring thread answers with a count");
        sum += count;
      }
      return sum;
    },
    close: () => thread.close(),
  };
};

/** The task in parts, each of which is in the stage when it comes. */
function* stagedTasks(task: RingTask, stage: Uint8Array): Generator<RingTask> {
  if (task.type === "add-lanes" && !isShared(task.bytes))
    for (let at = 0; at < task.bytes.length; at += STAGE) {
      const bytes = task.bytes.subarray(at, at + STAGE);
      copyBytes(stage, bytes);
      const first = task.first + at / laneBytes(task.target);
      yield { ...task, first, bytes: stage.subarray(0, bytes.length) };
    }
  else if (task.type === "quantise" && !isShared(task.values))
    for (let at = 0; at < task.values.length; at += STAGE / 4) {
      const values = task.values.subarray(at, at + STAGE / 4);
      copyBytes(stage, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      yield { ...task, first: task.first + at, values: new Float32Array(stage.buffer, 0, values.length) };
    }
  else yield task;
}

const isShared = ({ buffer }: Uint8Array | Float32Array): boolean => buffer instanceof SharedArrayBuffer;
