/** The worker thread of {@link openThreadedTrainer}: opens one trainer and does as it is asked. */
import { invariant } from "@bulkhead/base";
import { serveThreadCalls } from "@bulkhead/compute";
import { openTrainer } from "./open-trainer.ts";
import type { TrainerEvent, TrainerFacts, TrainerRequest } from "./threaded-trainer.ts";
import type { Trainer } from "./trainer.ts";

let trainer: Trainer | undefined;

const perform = async (request: TrainerRequest, tell: (event: TrainerEvent) => void): Promise<unknown> => {
  if (request.type === "open") {
    trainer = await openTrainer(request.spec);
    const { backend, notice, loss, tensors, rows } = trainer;
    return { backend, notice, loss, tensors, rows } satisfies TrainerFacts;
  }
  invariant(trainer !== undefined, "a trainer is opened before it is used");
  return request.type === "train"
    ? trainer.train(request.job, (step, loss) => tell([step, loss]), tell)
    : trainer.evaluate(request.model, request.rows);
};

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `openThreadedTrainer` calls this thread
serveThreadCalls((request, tell) => perform(request as TrainerRequest, tell));
