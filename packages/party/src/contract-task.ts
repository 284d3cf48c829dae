/** What the contract tells the trainer, as this program writes it. */
import { finite, InputError, integer, listOf, oneOf, record, type Shape, ShapeError } from "@bulkhead/base";
import type { ClassifierTask, LanguageTask } from "@bulkhead/finetune";
import type { Contract } from "@bulkhead/protocol";
import { languageTaskShape } from "./language-task-shape.ts";
import { STOPPING_SUMS } from "./stopping.ts";

const count = integer(1, 1 << 20);

const classifierShape: Shape<ClassifierTask & { readonly kind: "classifier" }> = record({
  kind: oneOf("classifier"),
  classes: count,
  maxTokens: count,
  lora: record({ rank: count, alpha: finite(0), layers: listOf(integer(0, 1 << 20), 1024) }),
  logitScale: finite(0),
});

const KINDS = ["classifier", "language-model", "module"] as const;

/** `undefined` for tasks of other kinds; throws a {@link ShapeError} for a classifier that is not described in full. */
export const classifierTaskOf = ({ task }: Pick<Contract, "task">): ClassifierTask | undefined => {
  if (task["kind"] !== "classifier") return undefined;
  const { classes, maxTokens, lora, logitScale } = classifierShape(task, "task");
  return { classes, maxTokens, lora, logitScale };
};

/** As {@link classifierTaskOf}, of a language model. */
export const languageTaskOf = ({ task }: Pick<Contract, "task">): LanguageTask | undefined =>
  task["kind"] === "language-model" ? languageTaskShape(task, "task") : undefined;

/** Throws an {@link InputError} `contract-task` for what neither the trainers nor the checkpoints know. */
export const expectKnownTask = (contract: Pick<Contract, "job" | "task" | "training" | "metrics">): void => {
  const { job, task } = contract;
  if (!KINDS.some((kind) => kind === task["kind"]))
    throw unknownTask(job, "task.kind", `one of ${KINDS.join(", ")}`);
  try {
    classifierTaskOf(contract);
    expectFitting(contract, languageTaskOf(contract));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw unknownTask(job, error.path, error.expected);
  }
};

/** What only a language model's trainer does is asked of no other. */
const expectFitting = (
  { training, metrics }: Pick<Contract, "training" | "metrics">,
  task: LanguageTask | undefined,
): void => {
  if (task === undefined && training.rowsAtOnce !== undefined)
    throw new ShapeError("training.rowsAtOnce", "none: only a language model's trainer parts a batch");
  const heldOut = metrics.find(({ name }) => name.startsWith("held-out-"));
  if (heldOut !== undefined && task?.heldOut === undefined)
    throw new ShapeError("metrics", `no ${heldOut.name}, since the task holds no rows out`);
  const needed = training.stopping && STOPPING_SUMS[training.stopping.figure];
  const missing = needed?.find((wanted) => !metrics.some(({ name }) => name === wanted));
  if (missing !== undefined) throw new ShapeError("metrics", `${missing}, by which the job is stopped`);
};

const unknownTask = (job: string, path: string, expected: string): InputError =>
  new InputError({
    code: "contract-task",
    place: `contract ${job} ${path}`,
    problem: `expected ${expected}`,
    cure: "draft the contract with this program's version",
  });
