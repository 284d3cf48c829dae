/** Where the cell keeps what it must not forget of one job, below the one folder in which it may write. */
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import type { Job } from "@bulkhead/protocol";
import { makeFolder, sweepLeftovers } from "@bulkhead/store";

export interface JobFolder {
  readonly home: string;
  readonly journal: string;
  /** The finished update of the round that is going on, sealed. */
  readonly keptUpdate: string;
  /** Where its training stands, sealed. */
  readonly keptState: string;
  readonly models: string;
}

/** A job's folder is named by the first sixteen digits of its contract's digest. */
export const jobFolder = (state: string, { contractHash }: Pick<Job, "contractHash">): JobFolder => {
  const home = path.join(state, "jobs", bytesToHex(contractHash).slice(0, 16));
  return {
    home,
    journal: path.join(home, "journal"),
    keptUpdate: path.join(home, "update.sealed"),
    keptState: path.join(home, "training.sealed"),
    models: path.join(home, "models"),
  };
};

/** Makes the folders, or removes from them what a killed process had half written. The supervisor holds their lock. */
export const openJobFolder = async ({ home, models }: JobFolder): Promise<void> => {
  await makeFolder(models);
  for (const folder of [home, models]) sweepLeftovers(folder);
};
