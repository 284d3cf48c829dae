/** The job of the scenario `language-model`: `jobs/language-model.yaml`, as a provider would write it, in one of two sizes. */
import path from "node:path";
import type { Json } from "@bulkhead/base";
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
  /** The model's one file. */
  readonly modelFile: string;
  /** Blocks with an adapter, where they are others than the recipe's. */
  readonly layers?: readonly number[];
}

const FILE = path.join(import.meta.dirname, "..", "..", "jobs", "language-model.yaml");

/** The keys of `job.yaml`, without members and address. */
export const folderJob = async ({
  recipe,
  seed,
  modelFile,
  layers,
}: FolderJobOptions): Promise<{ readonly [key: string]: Json }> => {
  const { config } = await loadJobDescription(FILE);
  const { members: _members, provider: _provider, model, task, training, ...rest } = config;
  const lora = task.kind === "language-model" ? { ...task.lora, ...(layers && { layers }) } : undefined;
  const job = {
    ...rest,
    model: { ...model, file: modelFile },
    task: { ...task, lora, seed },
    training: { ...training, ...recipe },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives of an object
  return JSON.parse(JSON.stringify(job)) as { readonly [key: string]: Json };
};
