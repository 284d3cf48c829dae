/** The job of the scenario `language-model`: `jobs/language-model.yaml`, as a provider would write it, in one of two sizes. */
import path from "node:path";
import { invariant, type Json } from "@bulkhead/base";
import { loadJobDescription } from "@bulkhead/coordinator";

export interface FolderRecipe {
  readonly rounds: number;
  /** Of a site in a round. */
  readonly localSteps: number;
}

/** 180 steps over all sites. */
export const QUICK_FOLDERS: FolderRecipe = { rounds: 6, localSteps: 10 };
/** 600 steps over all sites. */
export const FULL_FOLDERS: FolderRecipe = { rounds: 10, localSteps: 20 };

export interface FolderJobOptions {
  readonly recipe: FolderRecipe;
  /** 32 bytes in hexadecimal: fixes the adapters' first factors. */
  readonly seed: string;
  readonly model: FolderModel;
}

/** By default SmolLM2's: blocks with an adapter, and the longest row in tokens. */
export interface FolderModel {
  /** Its one file. */
  readonly file: string;
  readonly layers?: readonly number[];
  readonly maxTokens?: number;
}

const FILE = path.join(import.meta.dirname, "..", "..", "jobs", "language-model.yaml");

/** The keys of `job.yaml`, without members and address. */
export const folderJob = async ({
  recipe,
  seed,
  model: { file, layers, maxTokens },
}: FolderJobOptions): Promise<{ readonly [key: string]: Json }> => {
  const { config } = await loadJobDescription(FILE);
  const { members: _members, provider: _provider, model, task, training, ...rest } = config;
  invariant(task.kind === "language-model", "the job trains a language model");
  const job = {
    ...rest,
    model: { ...model, file },
    task: {
      ...task,
      lora: { ...task.lora, layers: layers ?? task.lora.layers },
      maxTokens: maxTokens ?? task.maxTokens,
      seed,
    },
    training: { ...training, ...recipe },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives of an object
  return JSON.parse(JSON.stringify(job)) as { readonly [key: string]: Json };
};
