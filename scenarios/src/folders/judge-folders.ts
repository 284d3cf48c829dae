/**
 * What the federation is compared with, trained and judged in a process of its own by the product's trainer: the model
 * before any training, each site alone, and all rows in one place. Only a scenario ever has all rows in one place.
 */
import fs from "node:fs";
import path from "node:path";
import { Program } from "../harness/program.ts";
import { tensorflowEnvironment } from "../harness/tensorflow-environment.ts";
import type { Folder } from "./folder-mail.ts";

/** Processes that judge at once. */
const SIDE_BY_SIDE = 2;

export type FolderModelSource =
  | { readonly type: "initial" }
  /** As many rounds as the contract says, each of so many steps, on these rows. */
  | { readonly type: "trained"; readonly rows: readonly string[]; readonly localSteps: number }
  | { readonly type: "checkpoint"; readonly folder: string };

export interface JudgedFolderModel {
  readonly name: string;
  readonly from: FolderModelSource;
  /** Whether it is asked to write its answers to a mail of each folder. */
  readonly speaks: boolean;
}

export interface FolderJudgingJob {
  readonly contract: string;
  readonly initialModel: string;
  readonly modelFile: string;
  /** Everybody's test mails. */
  readonly test: string;
  readonly models: readonly JudgedFolderModel[];
  /** The folder in which processes share what frozen layers give; it may be deleted afterwards. */
  readonly activations: string;
  /** Fixes the order in which rows are drawn. */
  readonly seed: number;
}

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature, and is no JSON
export type SampleAnswer = {
  readonly subject: string;
  readonly folder: Folder;
  readonly answer: string;
};

export interface FolderJudgement {
  /** Of each folder's mails, the share that was filed there. */
  readonly found: { readonly [folder in Folder]: number };
  readonly samples: readonly SampleAnswer[];
  /** SHA-256 of its canonical bytes. */
  readonly digest: string;
  readonly trainingSeconds: number;
}

export type FolderJudgements = { readonly [model: string]: FolderJudgement };

/** Throws where the process fails; what it said is in its log. */
export const judgeFolders = async (job: FolderJudgingJob, folder: string): Promise<FolderJudgements> => {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "baselines.json");
  fs.writeFileSync(file, JSON.stringify(job));
  const program = new Program({
    program: "folder-baselines",
    args: [file],
    log: path.join(folder, "baselines.log"),
    env: tensorflowEnvironment(SIDE_BY_SIDE),
  });
  const { code } = await program.ended;
  if (code !== 0) throw new Error(`the baselines ended with ${code}: ${program.lines.at(-1) ?? ""}`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by folder-baselines.ts
  return JSON.parse(program.lines.at(-1) ?? "") as FolderJudgements;
};
