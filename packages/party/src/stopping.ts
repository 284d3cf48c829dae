/**
 * When a job ends before its last round, from the sums over held-out rows alone: every party comes to the same, and what
 * they remember of it is part of the model whose hash all of them sign.
 */
import type { TensorSpec } from "@bulkhead/finetune";
import type { Job } from "@bulkhead/protocol";
import type { Scalars } from "@bulkhead/secagg";

type Stopping = NonNullable<Job["contract"]["training"]["stopping"]>;

/** Which two sums a figure is the quotient of. */
export const STOPPING_SUMS = {
  "held-out-loss": ["held-out-loss-sum", "held-out-answers"],
  "held-out-accuracy": ["held-out-right", "held-out-answers"],
  "held-out-exact": ["held-out-exact", "held-out-rows"],
} as const satisfies Readonly<Record<Stopping["figure"], readonly [string, string]>>;

export type HeldOutFigure = Stopping["figure"];

/** Of the model with which the sum's round began; `undefined` where nobody judged anything. */
export const figureOf = (figure: HeldOutFigure, scalars: Scalars): number | undefined => {
  const [above, below] = STOPPING_SUMS[figure].map((name) => scalars[name]);
  return above === undefined || below === undefined || below <= 0 ? undefined : above / below;
};

/** A tensor of three values beside the model: the best goodness so far, after which round's model, models judged. */
export type StoppingRecord = Float32Array;

/** Its tensor; none where the contract does not stop early. */
export const stoppingTensors = ({ contract }: Pick<Job, "contract">): readonly TensorSpec[] =>
  contract.training.stopping === undefined ? [] : [{ name: "server.stopping", shape: [3] }];

export const freshRecord = (job: Pick<Job, "contract">): StoppingRecord =>
  new Float32Array(3 * stoppingTensors(job).length);

/** Before any figure is known; within 32 bits. */
const WORST = -(2 ** 127);

/** With the sums of one more round, which judge the model that the round began with. */
export const nextRecord = (
  { contract }: Pick<Job, "contract">,
  record: StoppingRecord,
  scalars: Scalars,
): StoppingRecord => {
  const { stopping } = contract.training;
  if (stopping === undefined) return record;
  const [best = WORST, bestAfter = 0, judged = 0] = record;
  const goodness = goodnessOf(stopping.figure, scalars);
  const isBetter = judged === 0 || goodness > best + stopping.improvement;
  return Float32Array.of(isBetter ? goodness : best, isBetter ? judged : bestAfter, judged + 1);
};

/** The higher, the better. */
const goodnessOf = (figure: HeldOutFigure, scalars: Scalars): number => {
  const value = figureOf(figure, scalars);
  if (value === undefined) return WORST;
  return Math.fround(figure === "held-out-loss" ? -value : value);
};

/** Whether so many models in a row were no better than the best. */
export const isStopped = (
  { contract }: Pick<Job, "contract">,
  { stopping: record }: { readonly stopping: StoppingRecord },
): boolean => {
  const { stopping } = contract.training;
  const [, bestAfter = 0, judged = 0] = record;
  return stopping !== undefined && judged - 1 - bestAfter >= stopping.patience;
};
