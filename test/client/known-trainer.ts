/** A trainer for tests whose updates are known beforehand; it shows what it was asked. */
import {
  type Example,
  parameterCount,
  type TensorSpec,
  type Trainer,
  type TrainJob,
} from "@bulkhead/finetune";
import { updateOf } from "../coordinator/member.ts";

export interface KnownTrainerOptions {
  readonly id: number;
  readonly tensors: readonly TensorSpec[];
  readonly examples: readonly Example[];
  /** In place of the known update. */
  readonly outcome?: Trainer["train"];
}

export interface KnownTrainer extends Trainer {
  readonly jobs: readonly TrainJob[];
}

export const knownTrainer = ({ id, tensors, examples, outcome }: KnownTrainerOptions): KnownTrainer => {
  const jobs: TrainJob[] = [];
  return {
    jobs,
    backend: "known updates",
    notice: undefined,
    tensors,
    rows: examples.length,
    train: async (job, onStep) => {
      jobs.push({ ...job, shuffleSeed: Uint8Array.from(job.shuffleSeed) });
      onStep?.(0, 0.5);
      if (outcome !== undefined) return outcome(job, onStep);
      const update = updateOf(id, job.round, parameterCount(tensors));
      return { type: "trained", update, examples: 10 * id, lossSum: 5 * id };
    },
    evaluate: async (_, judged) => ({
      examples: judged.length,
      loss: 0.25,
      accuracy: 0.75,
      balancedAccuracy: 0.5,
      auc: undefined,
      recallAt1PercentFalsePositives: undefined,
    }),
    close: async () => undefined,
  };
};
