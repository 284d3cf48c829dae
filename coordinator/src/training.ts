/** The contract's rounds in sequence, each in as many attempts as it takes and the contract allows. */
import fs from "node:fs";
import { bytesToHex } from "@bulkhead/base";
import {
  type CoordinatorState,
  describeCoordinator,
  isCoordinatorOver,
  type Published,
  reasonText,
} from "@bulkhead/protocol";
import type { Scalars } from "@bulkhead/secagg";
import type { Journal } from "@bulkhead/store";
import { dropOldModels } from "./checkpoints.ts";
import { type CoordinatorLog, logTransition } from "./coordinator-log.ts";
import type { AppliedEntry, JobEntry, OpenedEntry, VoidEntry } from "./journal/job-journal.ts";
import { dealersToLeaveOut, nextAttempt, type Progress, progressAfter } from "./journal/progress.ts";
import type { Metrics } from "./metrics.ts";
import type { Model } from "./model.ts";
import {
  type AttemptTools,
  mayHaveInputs,
  type OpenAttempt,
  openNewAttempt,
  resumeAttempt,
} from "./open-round.ts";
import { applyRound } from "./publish-round.ts";
import { writeSum } from "./published-rounds.ts";
import type { Reception } from "./reception.ts";
import { roundSummary, type RunEnd, type RunReport } from "./report.ts";
import type { RollCall } from "./roll-call.ts";
import { type Observe, RunningAttempt } from "./run-round.ts";

export interface TrainingTools extends AttemptTools {
  readonly journal: Journal<JobEntry>;
  readonly reception: Reception;
  readonly rollCall: RollCall;
  readonly metrics: Metrics;
  readonly report: RunReport;
  readonly log: CoordinatorLog;
  /** How long to wait for all members before the first attempt of this process. */
  readonly startWaitMs: number;
  /** Something that the status shows has changed. */
  readonly touch: () => void;
}

/** Between a void attempt and the next. */
const PAUSE_MS = 200;

type VoidState = Extract<CoordinatorState, { readonly stage: "void" }>;

export class Training {
  readonly #tools: TrainingTools;
  #progress: Progress;
  #model: Model;
  #attempt: RunningAttempt | undefined;
  #doing = "starting";
  /** Attempts that this process has opened: of its round, and at all. */
  #opened = { ofRound: 0, atAll: 0 };

  constructor(tools: TrainingTools, progress: Progress, model: Model) {
    this.#tools = tools;
    this.#progress = progress;
    this.#model = model;
    this.#tellReception();
  }

  get progress(): Progress {
    return this.#progress;
  }

  get attempt(): CoordinatorState | undefined {
    return this.#attempt?.state;
  }

  get doing(): string {
    return this.#doing;
  }

  /** The model that members must have to take part now. */
  get now(): { readonly applied: number; readonly modelHash: Uint8Array } {
    return { applied: this.#progress.applied.length, modelHash: this.#model.hash };
  }

  /** Resolves when all rounds are applied, the job cannot go on, or {@link stop} was called. */
  async run(): Promise<RunEnd> {
    const { rounds } = this.#tools.job.contract.training;
    while (this.#progress.applied.length < rounds) {
      const end = this.#endOfJob() ?? (await this.#playAttempt());
      if (end !== undefined) return end;
    }
    return { outcome: "done" };
  }

  /** Where it stands is in the journal: another process goes on from there. */
  stop(): void {
    this.#tools.rollCall.stop();
    this.#attempt?.stop();
  }

  /** Why there will be no further attempt of this round, if that is so. */
  #endOfJob(): RunEnd | undefined {
    const { voids } = this.#progress;
    const last = voids.at(-1);
    if (last === undefined) return undefined;
    const { attemptsPerRound } = this.#tools.job.contract.egress;
    const isUsedUp =
      voids.filter(({ hadInputs }) => hadInputs).length >= attemptsPerRound ||
      this.#opened.ofRound >= attemptsPerRound;
    return last.isFinal || isUsedUp ? { outcome: "failed", code: last.code, why: last.words } : undefined;
  }

  async #playAttempt(): Promise<RunEnd | undefined> {
    const open = await this.#openOrResume();
    if (open === undefined) return { outcome: "stopped" };
    const { state, hadInputs } = await this.#runAttempt(open);
    if (!isCoordinatorOver(state)) return { outcome: "stopped" };
    if (state.stage === "published") return this.#publish(state);
    await this.#noteVoid(state, hadInputs);
    if (this.#endOfJob() === undefined) await this.#wait(() => false, PAUSE_MS);
    return undefined;
  }

  async #openOrResume(): Promise<OpenAttempt | undefined> {
    const { opened } = this.#progress;
    if (opened === undefined) return this.#open();
    const attempt = await resumeAttempt(this.#tools, opened);
    this.#tools.log.log("info", "attempt-resumed", {
      ...logged(opened),
      after: attempt.start.state.stage,
    });
    return withPatience(attempt, this.#tools.startWaitMs);
  }

  async #open(): Promise<OpenAttempt | undefined> {
    await this.#waitForMembers();
    const { rollCall, job, journal, log } = this.#tools;
    if (rollCall.isStopped) return undefined;
    const ready = rollCall.ready(this.now);
    const entry: OpenedEntry = {
      type: "opened",
      round: this.#progress.applied.length + 1,
      attempt: nextAttempt(this.#progress),
      modelHash: this.#model.hash,
      gone: job.members.map(({ id }) => id).filter((id) => !ready.has(id)),
      leftOut: dealersToLeaveOut(this.#progress, { members: job.members.length, least: job.least }),
    };
    const attempt = await openNewAttempt(this.#tools, entry);
    await this.#note(journal, entry);
    this.#opened = { ofRound: this.#opened.ofRound + 1, atAll: this.#opened.atAll + 1 };
    log.log("info", "attempt-opened", logged(entry));
    return attempt;
  }

  /**
   * The first time for all members, and then without end for as many as an attempt needs; later for those who are
   * linked, who may still be busy with the last sum. Whoever is not ready is not waited for in the attempt either.
   */
  async #waitForMembers(): Promise<void> {
    const { rollCall, job, startWaitMs, log } = this.#tools;
    this.#enter("waiting for members");
    const ready = () => rollCall.ready(this.now).size;
    const isFirst = this.#opened.atAll === 0;
    const isAll = () =>
      ready() >= (isFirst ? job.members.length : Math.max(job.least, rollCall.linked().size));
    if (await this.#wait(isAll, isFirst ? startWaitMs : job.contract.timing.stageMs)) return;
    if (!isFirst || rollCall.isStopped || ready() >= job.least) return;
    log.log("warn", "waiting", {
      round: this.#progress.applied.length + 1,
      ready: ready(),
      needed: job.least,
    });
    await this.#wait(() => ready() >= job.least);
  }

  #wait(isMet: () => boolean, forMs?: number): Promise<boolean> {
    return this.#tools.rollCall.wait({ isMet, ...(forMs === undefined ? {} : { forMs }) });
  }

  async #runAttempt(
    open: OpenAttempt,
  ): Promise<{ readonly state: CoordinatorState; readonly hadInputs: boolean }> {
    const { folder, machine, reception } = this.#tools;
    const { start, journal, spool, sum } = open;
    const { round } = start.state.context;
    let { hadInputs } = open;
    const observe: Observe = (before, event, after) => {
      hadInputs ||= mayHaveInputs(before);
      this.#observe(before, event, after);
    };
    const attempt = new RunningAttempt(
      {
        step: machine.step,
        observe,
        journal,
        spool,
        sum,
        send: (to, message) => reception.send(to, message),
        keepSum: () => writeSum(folder, round, sum.bytes),
      },
      start.state,
    );
    this.#enter(start.state.stage, attempt);
    try {
      return { state: await attempt.run(start.effects), hadInputs };
    } finally {
      this.#enter("between attempts");
      journal.close();
      spool.close();
    }
  }

  readonly #observe: Observe = (before, event, after) => {
    const { log, metrics, touch } = this.#tools;
    const description = describeCoordinator(before, event, after);
    logTransition(log, description);
    metrics.observe(description);
    touch();
  };

  #enter(doing: string, attempt?: RunningAttempt): void {
    const { metrics, reception, touch } = this.#tools;
    this.#doing = doing;
    this.#attempt = attempt;
    reception.attempt = attempt;
    metrics.enter(doing);
    touch();
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
    await this.#note(this.#tools.journal, entry);
    fs.rmSync(this.#tools.folder.spool(entry), { recursive: true, force: true });
  }

  async #publish(state: Published): Promise<RunEnd | undefined> {
    const { journal, reception, log, folder, report } = this.#tools;
    this.#enter("publishing");
    const applied = await applyRound(this.#tools, this.#model, state);
    if (applied === undefined) return IMPOSSIBLE_SUM;
    const { entry, model, scalars } = applied;
    await this.#addToReport(entry, scalars);
    await this.#note(journal, entry);
    this.#model = model;
    this.#opened = { ...this.#opened, ofRound: 0 };
    this.#tellReception();
    reception.publish(entry);
    log.log("info", "round-applied", {
      round: entry.round,
      modelHash: bytesToHex(entry.modelHash),
      checkpoint: folder.checkpoint(entry.round),
    });
    await report.write(this.#progress, { outcome: "running" });
    this.#cleanUp(entry);
    return undefined;
  }

  async #addToReport(entry: AppliedEntry, scalars: Scalars): Promise<void> {
    const { job, metrics, report } = this.#tools;
    const facts = {
      voids: this.#progress.voids,
      figures: metrics.takeRound("publishing"),
      scalars,
      finishedAt: new Date().toISOString(),
    };
    await report.addRound(entry.round, roundSummary(job, entry, facts));
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

  async #note(journal: Journal<JobEntry>, entry: JobEntry): Promise<void> {
    await journal.append(entry);
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

const logged = ({ round, attempt, gone, leftOut }: OpenedEntry) => ({ round, attempt, gone, leftOut });

/** After a restart all members have to come back first: the deadline of the stage waits for them too. */
const withPatience = (attempt: OpenAttempt, moreMs: number): OpenAttempt => ({
  ...attempt,
  start: {
    ...attempt.start,
    effects: attempt.start.effects.map((effect) =>
      effect.type === "set-deadline" ? { ...effect, afterMs: effect.afterMs + moreMs } : effect,
    ),
  },
});
