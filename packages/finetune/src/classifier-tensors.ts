/** What a classifier trains, without opening its weights: for contracts. */
import { checkTask, classifierSpecs } from "./classifier.ts";
import { readEncoderConfig } from "./model-folder.ts";
import type { ClassifierTask, TensorSpec } from "./trainer.ts";

/** The trainable tensors in canonical order; throws an {@link InputError} about the folder or the task. */
export const classifierTensors = async (
  modelFolder: string,
  task: ClassifierTask,
): Promise<readonly TensorSpec[]> => {
  const config = await readEncoderConfig(modelFolder);
  checkTask(config, task);
  return classifierSpecs(config, task);
};
