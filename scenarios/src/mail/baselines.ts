/**
 * What the federation is compared with, trained and judged in a process of its own by the product's trainer: the model
 * before any training, each site alone, and all rows in one place. Only a scenario ever has all rows in one place.
 */
import fs from "node:fs";
import path from "node:path";
import type { Evaluation } from "@bulkhead/finetune";
import { Program } from "../harness/program.ts";
import { tensorflowEnvironment } from "../harness/tensorflow-environment.ts";

/** Processes that judge at once. */
const SIDE_BY_SIDE = 2;

export type ModelSource =
  | { readonly type: "initial" }
  /** As many rounds of as many steps as the contract says, on these rows. */
  | { readonly type: "trained"; readonly rows: readonly string[]; readonly batchSize: number }
  | { readonly type: "checkpoint"; readonly folder: string };

export interface JudgedModel {
  readonly name: string;
  readonly from: ModelSource;
  /** Sites on whose own test it is judged too. */
  readonly own: readonly string[];
}

export interface BaselineJob {
  readonly contract: string;
  readonly initialModel: string;
  readonly modelFolder: string;
  /** The test rows of each site; together they are the joint test. */
  readonly tests: { readonly [site: string]: string };
  readonly models: readonly JudgedModel[];
  /** The folder in which processes share what frozen layers give; it may be deleted afterwards. */
  readonly activations: string;
  /** Fixes the order in which rows are drawn. */
  readonly seed: number;
}

export interface Judgement {
  readonly joint: Evaluation;
  readonly own: { readonly [site: string]: Evaluation };
  /** SHA-256 of its canonical bytes. */
  readonly digest: string;
  readonly trainingSeconds: number;
}

export type Judgements = { readonly [model: string]: Judgement };

/** Throws where the process fails; what it said is in its log. */
export const judge = async (job: BaselineJob, folder: string): Promise<Judgements> => {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "baselines.json");
  fs.writeFileSync(file, JSON.stringify(job));
  const lines = await run(["judge", file], path.join(folder, "baselines.log"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by mail-baselines.ts
  return JSON.parse(lines.at(-1) ?? "") as Judgements;
};

export interface Probe {
  readonly backend: string;
  /** Why training is slower than it could be here; absent with the native backend. */
  readonly notice?: string;
  /** Of one row in one step of training, in one process; absent with the native backend. */
  readonly secondsPerExample?: number;
}

/** Which backend there is here, and how long it takes if it is not the native one. */
export const probeBackend = async (modelFolder: string, folder: string): Promise<Probe> => {
  const lines = await run(["probe", modelFolder], path.join(folder, "probe.log"));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- printed by mail-baselines.ts
  return JSON.parse(lines.at(-1) ?? "") as Probe;
};

const run = async (args: readonly string[], log: string): Promise<readonly string[]> => {
  const program = new Program({
    program: "mail-baselines",
    args,
    log,
    env: tensorflowEnvironment(SIDE_BY_SIDE),
  });
  const { code } = await program.ended;
  if (code !== 0) throw new Error(`the baselines ended with ${code}: ${program.lines.at(-1) ?? ""}`);
  return program.lines;
};
