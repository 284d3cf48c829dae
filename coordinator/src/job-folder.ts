/** Where everything of a job stands in the state folder. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import type { AttemptName, Job } from "@bulkhead/protocol";
import { makeFolder, sweepLeftovers } from "@bulkhead/store";

export interface JobFolder {
  readonly home: string;
  readonly journal: string;
  readonly report: string;
  readonly initialModel: string;
  readonly models: string;
  readonly model: (round: number) => string;
  readonly checkpoint: (round: number) => string;
  readonly round: (round: number) => RoundFolder;
  readonly attempt: (name: AttemptName) => { readonly home: string; readonly journal: string };
  readonly spool: (name: AttemptName) => string;
}

interface RoundFolder {
  readonly home: string;
  /** The plain integer sum, check lanes included: what members apply. */
  readonly sum: string;
  /** The message that goes before the sum. */
  readonly result: string;
  readonly summary: string;
}

/** A job's folder is named by the first sixteen digits of its contract's digest. */
export const jobFolder = (state: string, { contractHash }: Pick<Job, "contractHash">): JobFolder => {
  const home = path.join(state, "jobs", bytesToHex(contractHash).slice(0, 16));
  const round = (number: number): RoundFolder => {
    const folder = path.join(home, "rounds", String(number));
    return {
      home: folder,
      sum: path.join(folder, "sum.bin"),
      result: path.join(folder, "result.bin"),
      summary: path.join(folder, "summary.json"),
    };
  };
  return {
    home,
    journal: path.join(home, "journal"),
    report: path.join(home, "report.json"),
    initialModel: path.join(home, "initial.safetensors"),
    models: path.join(home, "models"),
    model: (number) => path.join(home, "models", `${number}.safetensors`),
    checkpoint: (number) => path.join(home, "checkpoints", `round-${number}`),
    round,
    attempt: (name) => {
      const folder = path.join(round(name.round).home, `attempt-${name.attempt}`);
      return { home: folder, journal: path.join(folder, "journal") };
    },
    spool: (name) => path.join(home, "spool", `${name.round}-${name.attempt}`),
  };
};

/** Makes the job's folder, or removes from it what a killed process had half written. */
export const openJobFolder = async ({ home }: JobFolder): Promise<void> => {
  await makeFolder(home);
  const entries = fs.readdirSync(home, { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory());
  for (const folder of [home, ...folders.map(({ parentPath, name }) => path.join(parentPath, name))])
    sweepLeftovers(folder);
};
