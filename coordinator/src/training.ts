/** The contract's rounds in sequence, each in as many attempts as it takes and the contract allows. */
import fs from "node:fs";
import { bytesToHex } from "@bulkhead/base";
import { type CoordinatorState, isCoordinatorOver, type Published, reasonText } from "@bulkhead/protocol";
import type { Scalars } from "@bulkhead/secagg";
import { type Journal, type NewFile, writeFilesAtomic } from "@bulkhead/store";
import { isStopped, type Model } from "@bulkhead/party";
import { Attempts, type PlayingTools } from "./attempts.ts";
import { dropOldModels } from "./checkpoints.ts";
import type { AppliedEntry, JobEntry, VoidEntry } from "./journal/job-journal.ts";
import { type Progress, progressAfter } from "./journal/progress.ts";
import { applyRound } from "./publish-round.ts";
import { meanLossOf, roundSummary, type RunEnd, type RunReport } from "./report.ts";

interface TrainingTools extends PlayingTools {
  readonly journal: Journal<JobEntry>;
  readonly report: RunReport;
}

/** Between a void attempt and the next. */
const PAUSE_MS = 200;

type VoidState = Extract<CoordinatorState, { readonly stage: "void" }>;

export class Training {
  readonly #tools: TrainingTools;
  readonly #attempts: Attempts;
  #progress: Progress;
  #model: Model;
  /** Attempts that this process had opened when the present round began. */
  #openedBefore = 0;

  constructor(tools: TrainingTools, progress: Progress, model: Model) {
    this.#tools = tools;
    this.#attempts = new Attempts(tools);
    this.#progress = progress;
    this.#model = model;
    this.#tellReception();
    if (progress.opened !== undefined) this.#attempts.expectResumption();
  }

  get progress(): Progress {
    return this.#progress;
  }

  get attempt(): CoordinatorState | undefined {
    return this.#attempts.state;
  }

  get doing(): string {
    return this.#attempts.doing;
  }

  /** The model that members must have to take part now. */
  get now(): { readonly applied: number; readonly modelHash: Uint8Array } {
    return { applied: this.#progress.applied.length, modelHash: this.#model.hash };
  }

  /** Resolves when all rounds are applied or the contract stops the job earlier, the job cannot go on, or {@link stop} was called. */
  async run(): Promise<RunEnd> {
    const { rounds } = this.#tools.job.contract.training;
    const last = this.#progress.applied.at(-1);
    if (last !== undefined) this.#cleanUp(last);
    while (this.#progress.applied.length < rounds && !isStopped(this.#tools.job, this.#model)) {
      const end = this.#endOfJob() ?? (await this.#playAttempt());
      if (end !== undefined) return end;
    }
    return { outcome: "done" };
  }

  /** Nothing more is trained: members are told how it ended. */
  finishing(): void {
    this.#attempts.enter("finishing");
  }

  /** Where it stands is in the journal: another process goes on from there. */
  stop(): void {
    this.#tools.rollCall.stop();
    this.#attempts.stop();
  }

  /** Why there will be no further attempt of this round, if that is so. */
  #endOfJob(): RunEnd | undefined {
    const { voids } = this.#progress;
    const last = voids.at(-1);
    if (last === undefined) return undefined;
    const { attemptsPerRound } = this.#tools.job.contract.egress;
    const isUsedUp =
      voids.filter(({ hadInputs }) => hadInputs).length >= attemptsPerRound ||
      this.#attempts.opened - this.#openedBefore >= attemptsPerRound;
    return last.isFinal || isUsedUp ? { outcome: "failed", code: last.code, why: last.words } : undefined;
  }

  async #playAttempt(): Promise<RunEnd | undefined> {
    const played = await this.#attempts.play({
      progress: this.#progress,
      model: this.#model,
      note: (entry) => this.#note(entry),
    });
    if (played === undefined || !isCoordinatorOver(played.state)) return { outcome: "stopped" };
    const { state, hadInputs } = played;
    if (state.stage === "published") return this.#publish(state);
    await this.#noteVoid(state, hadInputs);
    if (this.#endOfJob() === undefined)
      await this.#tools.rollCall.wait({ isMet: () => false, forMs: PAUSE_MS });
    return undefined;
  }

  async #noteVoid(state: VoidState, hadInputs: boolean): Promise<void> {
    const { round, attempt } = state.context;
    const entry: VoidEntry = {
      type: "void",
      round,
      attempt,
      code: state.reason.code,
      words: reasonText(state.reason),
      isFinal: state.isFinal,
      hadInputs,
      complaints: [...state.complaints],
    };
    await this.#note(entry);
    fs.rmSync(this.#tools.folder.spool(entry), { recursive: true, force: true });
  }

  async #publish(state: Published): Promise<RunEnd | undefined> {
    const { reception, log, folder, report } = this.#tools;
    this.#attempts.enter("publishing");
    const applied = await applyRound(this.#tools, this.#model, state);
    if (applied === undefined) return IMPOSSIBLE_SUM;
    const { entry, model, scalars, files } = applied;
    await writeFilesAtomic([...files, this.#addToReport(entry, scalars)]);
    await this.#note(entry);
    this.#model = model;
    this.#openedBefore = this.#attempts.opened;
    this.#tellReception();
    reception.publish(entry);
    log.log("info", "round-applied", {
      round: entry.round,
      survivors: entry.survivors.length,
      meanLoss: meanLossOf(scalars),
      modelHash: bytesToHex(entry.modelHash),
      checkpoint: folder.checkpoint(entry.round),
    });
    await report.write(this.#progress, { outcome: "running" });
    this.#cleanUp(entry);
    return undefined;
  }

  #addToReport(entry: AppliedEntry, scalars: Scalars): NewFile {
    const { job, metrics, report } = this.#tools;
    const facts = {
      voids: this.#progress.voids,
      figures: metrics.takeRound("publishing"),
      scalars,
      finishedAt: new Date().toISOString(),
    };
    return report.addRound(entry.round, roundSummary(job, entry, facts));
  }

  /** Of a round that is over only the sum, the result and the summary are needed. */
  #cleanUp({ round, attempt }: AppliedEntry): void {
    const { folder } = this.#tools;
    for (let number = 1; number <= attempt; number++) {
      fs.rmSync(folder.spool({ round, attempt: number }), { recursive: true, force: true });
      fs.rmSync(folder.attempt({ round, attempt: number }).home, { recursive: true, force: true });
    }
    dropOldModels(folder, round);
  }

  async #note(entry: JobEntry): Promise<void> {
    await this.#tools.journal.append(entry);
    this.#progress = progressAfter(this.#progress, entry);
  }

  #tellReception(): void {
    this.#tools.reception.applied = this.#progress.applied;
    this.#tools.reception.modelHash = this.#model.hash;
  }
}

const IMPOSSIBLE_SUM: RunEnd = {
  outcome: "failed",
  code: "sum-mismatch",
  why: "the sum cannot be a sum of its survivors' updates, so that no member will apply it",
};
