/** A trainer in a thread of its own: training blocks a thread for seconds, and the caller has messages to answer. */
import { openThreadCalls, type ThreadCalls } from "@bulkhead/compute";
import type { TrainerSpec } from "./open-trainer.ts";
import type { Evaluation, Rows, Trainer, TrainJob, TrainOutcome, TrainState } from "./trainer.ts";

/** What the thread is asked for; it answers the first with what a {@link Trainer} has besides its functions. */
export type TrainerRequest =
  | { readonly type: "open"; readonly spec: TrainerSpec }
  | { readonly type: "train"; readonly job: TrainJob }
  | { readonly type: "evaluate"; readonly model: Float32Array; readonly rows: Rows };

export type TrainerFacts = Pick<Trainer, "backend" | "notice" | "loss" | "tensors" | "rows">;

/** What the thread tells while it trains. */
export type TrainerEvent = readonly [step: number, loss: number] | TrainState;

/**
 * Throws an {@link InputError} as the trainer itself would. When the thread ends by a crash, the calls that are open
 * and all that follow reject; `close` ends it also in the middle of a training.
 */
export const openThreadedTrainer = async (spec: TrainerSpec): Promise<Trainer> => {
  const thread = openThreadCalls(new URL("./trainer-thread.ts", import.meta.url));
  const ask = asker(thread);
  try {
    const facts = await ask<TrainerFacts>({ type: "open", spec });
    return { ...facts, ...functionsOf(ask), close: () => thread.close() };
  } catch (error) {
    await thread.close();
    throw error;
  }
};

type Ask = <T>(request: TrainerRequest, onEvent?: (event: TrainerEvent) => void) => Promise<T>;

const asker =
  (thread: ThreadCalls): Ask =>
  async <T>(request: TrainerRequest, onEvent?: (event: TrainerEvent) => void) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what trainer-thread.ts tells
    const hear = (event: unknown) => onEvent?.(event as TrainerEvent);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what trainer-thread.ts answers to this request
    return (await thread.call(request, hear)) as T;
  };

const functionsOf = (ask: Ask): Pick<Trainer, "train" | "evaluate"> => ({
  train: (job, onStep, onState) =>
    ask<TrainOutcome>({ type: "train", job }, (event) =>
      "moments" in event ? onState?.(event) : onStep?.(...event),
    ),
  evaluate: (model, rows) => ask<Evaluation>({ type: "evaluate", model, rows }),
});
