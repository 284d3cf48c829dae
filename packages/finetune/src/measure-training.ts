/** How long a classifier's training takes on this machine, measured on made-up rows. */
import type { BackendPreference } from "@bulkhead/compute";
import { openThreadedTrainer } from "./threaded-trainer.ts";
import { type ClassifierTask, parameterCount } from "./trainer.ts";

export interface TrainingSpeed {
  /** As a {@link Trainer} names it. */
  readonly backend: string;
  readonly notice: string | undefined;
  /** Of one row in one step, after the first. What frozen layers give is there already, as after the first round. */
  readonly secondsPerExample: number;
}

export interface MeasuredTraining {
  readonly modelFolder: string;
  readonly task: ClassifierTask;
  readonly batchSize: number;
  readonly backend?: BackendPreference;
}

const STEPS = 3;

/** Throws an {@link InputError} about the folder, the task or the backend. */
export const measureTraining = async ({
  batchSize,
  ...setting
}: MeasuredTraining): Promise<TrainingSpeed> => {
  const { maxTokens, classes } = setting.task;
  // Rows of full length: nobody waits longer than was said.
  const examples = Array.from({ length: batchSize }, (_, i) => ({
    text: `${i} ${"word ".repeat(maxTokens)}`,
    label: i % classes,
  }));
  const trainer = await openThreadedTrainer({ kind: "classifier", ...setting, examples });
  try {
    const { backend, notice, tensors } = trainer;
    const job = {
      model: new Float32Array(parameterCount(tensors)),
      round: 1,
      rounds: 1,
      batchSize,
      learningRate: 1e-3,
      schedule: "constant",
      optimiser: { type: "sgd" },
      shuffleSeed: new Uint8Array(32),
    } as const;
    await trainer.train({ ...job, localSteps: 1 });
    const started = performance.now();
    await trainer.train({ ...job, localSteps: STEPS });
    const seconds = (performance.now() - started) / 1000;
    return { backend, notice, secondsPerExample: seconds / (STEPS * batchSize) };
  } finally {
    await trainer.close();
  }
};
