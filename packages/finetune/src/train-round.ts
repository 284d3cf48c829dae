/** One round of local training on the flat vector, whatever network is behind it. */
import type { Tensor1D, TensorFlow } from "@bulkhead/compute";
import { drawRows } from "./batches.ts";
import { nonFiniteTensors } from "./flat.ts";
import { clippedByNorm, startOptimiser } from "./optimiser.ts";
import { learningRateAt } from "./schedule.ts";
import {
  parameterCount,
  type TensorSpec,
  type TrainFailure,
  type OnState,
  type OnStep,
  type TrainJob,
  type TrainOutcome,
} from "./trainer.ts";

export interface StepResult {
  /** Of each row of the batch, in order; only whether it is finite matters. */
  readonly rowLosses: ArrayLike<number>;
  readonly meanLoss: number;
  /** Of the mean loss; belongs to the caller. */
  readonly gradient: Tensor1D;
}

export interface Learner {
  readonly tf: TensorFlow;
  readonly specs: readonly TensorSpec[];
  /** How many rows the site has. */
  readonly rows: number;
  /** `step` counts from 0 over all rounds. */
  readonly step: (parameters: Tensor1D, rows: readonly number[], step: number) => Promise<StepResult>;
}

export const trainRound = async (
  learner: Learner,
  job: TrainJob,
  onStep?: OnStep,
  onState?: OnState,
): Promise<TrainOutcome> => {
  const { tf, specs } = learner;
  const unusable = refusal(learner, job);
  if (unusable !== undefined) return unusable;
  const { localSteps, batchSize, round, shuffleSeed } = job;
  const { from, stateEveryMs = Number.POSITIVE_INFINITY } = job;
  const optimiser = startOptimiser(tf, job.optimiser, from);
  let parameters = tf.tensor1d(from?.parameters ?? job.model);
  let lossSum = from?.lossSum ?? 0;
  let keptAt = performance.now();
  try {
    for (let step = from?.step ?? 0; step < localSteps; step++) {
      const done = (round - 1) * localSteps + step;
      const rows = drawRows({ seed: shuffleSeed, rows: learner.rows }, done * batchSize, batchSize);
      const { rowLosses, meanLoss, gradient } = await learner.step(parameters, rows, done);
      const bad = rows.filter((_, i) => !Number.isFinite(rowLosses[i]));
      if (bad.length > 0) {
        gradient.dispose();
        return { type: "failed", code: "non-finite-loss", facts: { step, rows: [...new Set(bad)] } };
      }
      const used = job.clipNorm === undefined ? gradient : clippedByNorm(tf, gradient, job.clipNorm);
      parameters = optimiser.step(parameters, used, learningRateAt(job, step));
      used.dispose();
      lossSum += meanLoss * batchSize;
      onStep?.(step, meanLoss);
      if (step + 1 === localSteps || performance.now() - keptAt < stateEveryMs) continue;
      const moments = await optimiser.moments();
      onState?.({ step: step + 1, lossSum, parameters: await parameters.data<"float32">(), moments });
      keptAt = performance.now();
    }
    const update = difference(await parameters.data<"float32">(), job.model);
    const broken = nonFiniteTensors(specs, update);
    return broken.length > 0
      ? { type: "failed", code: "non-finite-update", facts: { tensors: broken } }
      : { type: "trained", update, examples: localSteps * batchSize, lossSum };
  } finally {
    optimiser.close();
    parameters.dispose();
  }
};

const refusal = ({ specs, rows }: Learner, { model, from }: TrainJob): TrainFailure | undefined => {
  const expected = parameterCount(specs);
  const wrong = [model, ...(from === undefined ? [] : [from.parameters, ...from.moments])].find(
    ({ length }) => length !== expected,
  );
  if (wrong !== undefined)
    return { type: "failed", code: "model-length", facts: { expected, given: wrong.length } };
  return rows === 0 ? { type: "failed", code: "no-rows", facts: { rows: 0 } } : undefined;
};

/** In shared memory: neither the trainer's thread nor the ring engine's has to be sent a copy. */
const difference = (after: Float32Array, before: Float32Array): Float32Array => {
  const update = new Float32Array(new SharedArrayBuffer(4 * after.length));
  for (let i = 0; i < update.length; i++) update[i] = after[i]! - before[i]!;
  return update;
};
