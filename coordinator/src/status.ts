/** `status.json` in the state folder: what the coordinator is doing just now, for `status` and for people who wait. */
import { bytesToHex, type Json, utf8 } from "@bulkhead/base";
import type { CoordinatorState, Job } from "@bulkhead/protocol";
import { NoticeFile } from "@bulkhead/store";
import type { MemberDesk } from "./member-desk.ts";

interface StatusSource {
  readonly job: Job;
  readonly url: string;
  readonly desks: () => Iterable<MemberDesk>;
  /** What is going on: a stage, `waiting for members`, `finishing`. */
  readonly now: () => StatusNow;
}

interface StatusNow {
  readonly doing: string;
  readonly applied: number;
  readonly attempt: CoordinatorState | undefined;
  /** Members that can take part at once, and how many are needed. */
  readonly ready: number;
  readonly outcome: string;
}

/** People look at it; a file that is replaced makes the disk busy for those who wait for it. */
const SETTLE_MS = 500;

export class StatusFile {
  readonly #notice: NoticeFile;
  readonly #source: StatusSource;
  readonly #onFailure: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, source: StatusSource, onFailure: (error: unknown) => void) {
    this.#notice = new NoticeFile(path);
    this.#source = source;
    this.#onFailure = onFailure;
  }

  /** Something changed: many changes at once are written once. */
  readonly touch = (): void => {
    this.#timer ??= setTimeout(() => void this.write(), SETTLE_MS).unref();
  };

  /** Resolves when it can be read; a failure is reported. */
  async write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.#notice.write(utf8(`${JSON.stringify(statusOf(this.#source), undefined, 2)}\n`));
    } catch (error) {
      this.#onFailure(error);
    }
  }

  async close(): Promise<void> {
    await this.write();
    clearTimeout(this.#timer);
  }
}

/** Whether only members that have signed and are away can end the attempt. */
const isWaiting = (state: CoordinatorState): boolean => "isWaiting" in state && state.isWaiting;

const statusOf = ({ job, url, desks, now }: StatusSource): Json => {
  const { doing, applied, attempt, ready, outcome } = now();
  return {
    format: "bulkhead-coordinator-status/1",
    pid: process.pid,
    url,
    job: job.contract.job,
    contract: bytesToHex(job.contractHash),
    outcome,
    doing,
    rounds: { applied, planned: job.contract.training.rounds },
    attempt:
      attempt === undefined
        ? // oxlint-disable-next-line unicorn/no-null -- JSON's word for what is not there
          null
        : {
            round: attempt.context.round,
            attempt: attempt.context.attempt,
            stage: attempt.stage,
            waiting: isWaiting(attempt),
          },
    needed: job.least,
    ready,
    members: [...desks()].map((desk) => ({
      name: desk.member.name,
      link: desk.isLinked ? "linked" : desk.hasSession ? "lost" : "none",
      // oxlint-disable-next-line unicorn/no-null -- JSON's word for what is not there
      applied: desk.greeting?.applied ?? null,
      bytes: desk.traffic,
    })),
    updatedAt: new Date().toISOString(),
  };
};
