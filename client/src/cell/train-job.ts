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
  return {
    model: before.model.flat,
    round: before.round + 1,
    rounds,
    localSteps,
    batchSize,
    learningRate,
    schedule,
    optimiser: optimiserOf(optimiser),
    shuffleSeed,
  };
};

/** Where the contract leaves them open [KB15, algorithm 1]. */
const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

const optimiserOf = ({ type, ...given }: Contract["training"]["optimiser"]): TrainJob["optimiser"] =>
  type === "sgd"
    ? { type }
    : {
        type,
        beta1: given.beta1 ?? ADAM.beta1,
        beta2: given.beta2 ?? ADAM.beta2,
        epsilon: given.epsilon ?? ADAM.epsilon,
      };
