/** The learning rate of a step. */
import { assertNever } from "@bulkhead/base";
import type { StepSchedule, TrainJob } from "./trainer.ts";

/** `step` counts from 0 within the round of the job. */
export const learningRateAt = (
  job: Pick<TrainJob, "schedule" | "learningRate" | "round" | "rounds" | "localSteps">,
  step: number,
): number => {
  const { schedule, learningRate, round, rounds, localSteps } = job;
  if (schedule === "constant") return learningRate;
  if (schedule === "linear-decay") return learningRate * (1 - (round - 1) / rounds);
  return learningRate * shareAt(schedule, (round - 1) * localSteps + step, rounds * localSteps);
};

/** Of the rate, at one of `steps`. */
const shareAt = ({ type, floor = 0, warmUpSteps = 0 }: StepSchedule, step: number, steps: number): number => {
  if (step < warmUpSteps) return (step + 1) / warmUpSteps;
  const passed = (step - warmUpSteps) / Math.max(1, steps - warmUpSteps);
  switch (type) {
    case "constant":
      return 1;
    case "linear":
      return Math.max(floor, 1 - passed);
    case "cosine":
      return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * passed));
    default:
      return assertNever(type);
  }
};
