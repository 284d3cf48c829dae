/** The numbers that leave inside a sum where the job description names none. */
import type { Contract } from "@bulkhead/protocol";
import type { JobDescription } from "../job-description.ts";

/** A mean loss beyond this is clamped: it says only that training went wrong. */
const HIGHEST_MEAN_LOSS = 20;
const LOSS_STEP = 2 ** -10;
/** Rows of one site that are held out; of more than these the sums would be clamped. */
const MOST_HELD_OUT = 100_000;

export const usualMetrics = ({ training, task }: JobDescription): Contract["metrics"] => {
  const examples = training.localSteps * training.batchSize;
  const usual = [
    { name: "examples", most: examples, resolution: 1 },
    { name: "loss-sum", most: HIGHEST_MEAN_LOSS * examples, resolution: LOSS_STEP },
  ];
  if (task.kind !== "language-model" || task.heldOut === undefined) return usual;
  const answers = MOST_HELD_OUT * task.maxTokens;
  return [
    ...usual,
    { name: "held-out-rows", most: MOST_HELD_OUT, resolution: 1 },
    { name: "held-out-answers", most: answers, resolution: 1 },
    { name: "held-out-loss-sum", most: HIGHEST_MEAN_LOSS * answers, resolution: LOSS_STEP },
    { name: "held-out-right", most: answers, resolution: 1 },
    { name: "held-out-exact", most: MOST_HELD_OUT, resolution: 1 },
  ];
};
