/** What the contract tells the trainer, as this program writes it. */
import { finite, InputError, integer, listOf, oneOf, record, type Shape, ShapeError } from "@bulkhead/base";
import type { ClassifierTask } from "@bulkhead/finetune";
import type { Contract } from "@bulkhead/protocol";

const count = integer(1, 1 << 20);

const classifierShape: Shape<ClassifierTask & { readonly kind: "classifier" }> = record({
  kind: oneOf("classifier"),
  classes: count,
  maxTokens: count,
  lora: record({ rank: count, alpha: finite(0), layers: listOf(integer(0, 1 << 20), 1024) }),
  logitScale: finite(0),
});

/** `undefined` for tasks of other kinds; throws a {@link ShapeError} for a classifier that is not described in full. */
export const classifierTaskOf = ({ task }: Pick<Contract, "task">): ClassifierTask | undefined => {
  if (task["kind"] !== "classifier") return undefined;
  const { classes, maxTokens, lora, logitScale } = classifierShape(task, "task");
  return { classes, maxTokens, lora, logitScale };
};

/** Throws an {@link InputError} `contract-task` for what neither the trainers nor the checkpoints know. */
export const expectKnownTask = ({ job, task }: Pick<Contract, "job" | "task">): void => {
  const { kind } = task;
  if (kind !== "classifier" && kind !== "module") throw unknownTask(job, "task.kind", "classifier or module");
  try {
    classifierTaskOf({ task });
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw unknownTask(job, error.path, error.expected);
  }
};

const unknownTask = (job: string, path: string, expected: string): InputError =>
  new InputError({
    code: "contract-task",
    place: `contract ${job} ${path}`,
    problem: `expected ${expected}`,
    cure: "draft the contract with this program's version",
  });
