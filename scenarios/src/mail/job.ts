/** The job of the mail filter: `jobs/mail.yaml`, as a provider would write it, in the size that this machine can play. */
import path from "node:path";
import type { Json } from "@bulkhead/base";
import { loadJobDescription } from "@bulkhead/coordinator";

export interface MailRecipe {
  readonly rounds: number;
  readonly localSteps: number;
  readonly batchSize: number;
}

/** 3,072 examples over all sites. */
export const QUICK: MailRecipe = { rounds: 8, localSteps: 8, batchSize: 16 };
/** 12,288 examples over all sites. */
export const FULL: MailRecipe = { rounds: 16, localSteps: 16, batchSize: 16 };
/** For machines without the native backend: 1,152 examples. */
export const SMALL: MailRecipe = { rounds: 6, localSteps: 8, batchSize: 8 };

export interface MailJobOptions {
  readonly recipe: MailRecipe;
  /** 32 bytes in hexadecimal: fixes the adapters' first factors. */
  readonly seed: string;
  readonly modelFolder: string;
}

const FILE = path.join(import.meta.dirname, "..", "..", "jobs", "mail.yaml");

/** The keys of `job.yaml`, without members and address. */
export const mailJob = async ({
  recipe,
  seed,
  modelFolder,
}: MailJobOptions): Promise<{ readonly [key: string]: Json }> => {
  const { config } = await loadJobDescription(FILE);
  const { members: _members, provider: _provider, model, task, training, ...rest } = config;
  const job = {
    ...rest,
    model: { ...model, folder: modelFolder },
    task: { ...task, seed },
    training: { ...training, ...recipe },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives of an object
  return JSON.parse(JSON.stringify(job)) as { readonly [key: string]: Json };
};
