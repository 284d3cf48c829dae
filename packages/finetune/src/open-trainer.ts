/** Which trainer a site uses, as plain data that can cross into a thread, and its opening in this one. */
import { assertNever } from "@bulkhead/base";
import { type ClassifierTrainerOptions, openClassifierTrainer } from "./classifier-trainer.ts";
import {
  type LanguageModelTrainerOptions,
  openLanguageModelTrainer,
} from "./models/language-model-trainer.ts";
import { type ModuleTrainerOptions, openModuleTrainer } from "./module-trainer.ts";
import type { Trainer } from "./trainer.ts";

export type TrainerSpec =
  | ({ readonly kind: "classifier" } & ClassifierTrainerOptions)
  | ({ readonly kind: "language-model" } & LanguageModelTrainerOptions)
  | ({ readonly kind: "module" } & ModuleTrainerOptions);

/** Throws an {@link InputError} about the model, the task, a row, the backend or the module. */
export const openTrainer = (spec: TrainerSpec): Promise<Trainer> => {
  switch (spec.kind) {
    case "classifier":
      return openClassifierTrainer(spec);
    case "language-model":
      return openLanguageModelTrainer(spec);
    case "module":
      return openModuleTrainer(spec);
    default:
      return assertNever(spec);
  }
};
