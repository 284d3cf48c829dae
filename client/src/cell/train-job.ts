/** What the contract says of a round of training. */
import type { TrainJob } from "@bulkhead/finetune";
import type { Contract } from "@bulkhead/protocol";
import type { ModelAt } from "./models.ts";

/** Of the round after `before`. */
export const trainJobOf = (
  { training }: Pick<Contract, "training">,
  before: ModelAt,
  shuffleSeed: Uint8Array,
): TrainJob => {
  const { rounds, localSteps, batchSize, learningRate, schedule, optimiser } = training;
  const { clipNorm, rowsAtOnce } = training;
  return {
    model: before.model.flat,
    round: before.round + 1,
    rounds,
    localSteps,
    batchSize,
    learningRate,
    schedule,
    optimiser,
    ...(clipNorm === undefined ? {} : { clipNorm }),
    ...(rowsAtOnce === undefined ? {} : { rowsAtOnce }),
    shuffleSeed,
  };
};
