/** `report.json`: what a run gave, for machines and people. The schema is described in docs/report.md. */
import fs from "node:fs";
import { bytesToHex, type Json, utf8, utf8ToText } from "@bulkhead/base";
import { renderReport } from "@bulkhead/console";
import type { Job } from "@bulkhead/protocol";
import type { Scalars } from "@bulkhead/secagg";
import { type NewFile, NoticeFile, readFileBounded, writeFileAtomic } from "@bulkhead/store";
import { bestRound, heldOutSummary } from "./held-out.ts";
import type { JobFolder } from "./job-folder.ts";
import type { AppliedEntry, VoidEntry } from "./journal/job-journal.ts";
import type { Progress } from "./journal/progress.ts";
import { namesOf, type RoundFigures } from "./metrics.ts";

type JsonObject = { readonly [field: string]: Json | undefined };

export interface RunEnd {
  readonly outcome: "running" | "done" | "failed" | "stopped";
  /** Of a failed job: a stable code and a sentence. */
  readonly code?: string;
  readonly why?: string;
}

const LONGEST_SUMMARY = 1 << 20;

/** What is said of a round that is in the model; it is kept beside the round's sum. */
export const roundSummary = (
  job: Job,
  entry: AppliedEntry,
  facts: {
    readonly voids: readonly VoidEntry[];
    readonly figures: RoundFigures;
    readonly scalars: Scalars;
    readonly finishedAt: string;
  },
): JsonObject => ({
  round: entry.round,
  attempt: entry.attempt,
  voidAttempts: facts.voids.map(voidSummary),
  survivors: namesOf(job, entry.survivors),
  lost: namesOf(
    job,
    job.members.map(({ id }) => id).filter((id) => !entry.survivors.includes(id)),
  ),
  finishedAt: facts.finishedAt,
  secondsByStage: facts.figures.secondsByStage,
  bytesBySite: Object.fromEntries(
    facts.figures.bytesBySite.map(({ name, up, down }) => [name, { up, down }] as const),
  ),
  // oxlint-disable-next-line unicorn/no-null -- JSON's word for what is not there
  meanLoss: meanLossOf(facts.scalars) ?? null,
  scalars: facts.scalars,
  // oxlint-disable-next-line unicorn/no-null -- as above
  heldOut: heldOutSummary(entry.round - 1, facts.scalars) ?? null,
  modelHash: bytesToHex(entry.modelHash),
  sumDigest: bytesToHex(entry.sumDigest),
});

/** The mean over all examples of all survivors; `undefined` where the contract lets no such sums leave. */
export const meanLossOf = (scalars: Scalars): number | undefined => {
  const examples = scalars["examples"];
  const lossSum = scalars["loss-sum"];
  return examples === undefined || lossSum === undefined || examples <= 0 ? undefined : lossSum / examples;
};

const voidSummary = ({ attempt, code, words }: VoidEntry): JsonObject => ({ attempt, code, words });

interface Facts {
  /** The ring engine of this process. */
  readonly engine: string;
  readonly rounds: readonly Json[];
}

/** The report of one job; rounds that an earlier process has finished are read from their summaries. */
export class RunReport {
  readonly #folder: JobFolder;
  readonly #job: Job;
  readonly #notice: NoticeFile;
  readonly #engine: string;
  readonly #rounds: Json[];

  constructor(folder: JobFolder, job: Job, { engine, rounds }: Facts) {
    this.#folder = folder;
    this.#job = job;
    this.#notice = new NoticeFile(folder.report);
    this.#engine = engine;
    this.#rounds = [...rounds];
  }

  /** Gives what is to be kept beside the round's sum, before the round counts as applied. */
  addRound(round: number, summary: JsonObject): NewFile {
    this.#rounds[round - 1] = summary;
    return { path: this.#folder.round(round).summary, bytes: utf8(`${JSON.stringify(summary)}\n`) };
  }

  /** The base model has none. */
  #checkpointOf(round: number): Json {
    // oxlint-disable-next-line unicorn/no-null -- JSON's word for what is not there
    return round === 0 ? null : this.#folder.checkpoint(round);
  }

  async write(progress: Progress, end: RunEnd): Promise<void> {
    const { contract, contractHash, threshold, least } = this.#job;
    const last = progress.applied.at(-1);
    const rounds = this.#rounds.slice(0, progress.applied.length);
    const best = bestRound(this.#job, rounds);
    const body = {
      job: contract.job,
      contract: bytesToHex(contractHash),
      provider: contract.provider.name,
      members: contract.members.map(({ name }) => name),
      threshold,
      minimum: least,
      outcome: end.outcome,
      ...(end.code === undefined ? {} : { reason: { code: end.code, words: end.why ?? "" } }),
      engine: this.#engine,
      roundsPlanned: contract.training.rounds,
      roundsApplied: progress.applied.length,
      // oxlint-disable-next-line unicorn/no-null -- JSON's word for what is not there
      checkpoint: last === undefined ? null : this.#folder.checkpoint(last.round),
      ...(best === undefined ? {} : { best: { round: best, checkpoint: this.#checkpointOf(best) } }),
      rounds,
      voidAttempts: progress.voids.map((entry) => ({ round: entry.round, ...voidSummary(entry) })),
    };
    const report = renderReport({ kind: "run", version: 1 }, body);
    // Of a run that goes on the next round writes it anew, from what was kept.
    if (end.outcome === "running") await this.#notice.write(report);
    else await writeFileAtomic(this.#folder.report, report);
  }
}

export const openRunReport = async (
  folder: JobFolder,
  job: Job,
  { progress, engine }: { readonly progress: Progress; readonly engine: string },
): Promise<RunReport> => {
  const rounds: Json[] = [];
  for (const { round } of progress.applied) rounds.push(await readSummary(folder, round));
  return new RunReport(folder, job, { engine, rounds });
};

/** What cannot be read of a summary is left out of the report, and no reason to stop training. */
const readSummary = async (folder: JobFolder, round: number): Promise<Json> => {
  const place = folder.round(round).summary;
  if (!fs.existsSync(place)) return { round };
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse gives nothing but JSON
    return JSON.parse(utf8ToText(await readFileBounded(place, LONGEST_SUMMARY))) as Json;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return { round };
    throw error;
  }
};
