/** `status.json` in the state folder: what the client is doing just now, for `status` and for people who wait. */
import {
  finite,
  InputError,
  integer,
  oneOf,
  optional,
  record,
  text,
  type TypeOf,
  utf8,
} from "@bulkhead/base";
import { parseJson, readOwnFile } from "@bulkhead/party";
import { NoticeFile } from "@bulkhead/store";
import { type News, OUTCOMES } from "../news.ts";
import type { RunEnd } from "./run-end.ts";

const count = integer(0, Number.MAX_SAFE_INTEGER);
const sentence = text(4000);

const statusShape = record({
  format: oneOf("bulkhead-client-status/1"),
  pid: count,
  run: text(100),
  job: text(100),
  contract: text(64),
  member: record({ number: count, name: text(100) }),
  wall: record({ strength: oneOf("namespaces", "process only"), notice: optional(sentence) }),
  outcome: oneOf("running", ...OUTCOMES),
  code: optional(text(200)),
  problem: optional(sentence),
  doing: text(200),
  /** The ring engine, from when the cell is ready. */
  engine: optional(sentence),
  rounds: record({ applied: count, planned: count }),
  attempt: optional(record({ round: count, attempt: count, stage: text(100) })),
  training: optional(record({ round: count, step: count, steps: count, loss: optional(finite()) })),
  link: oneOf("none", "open", "lost", "restored"),
  /** Of this run. */
  traffic: record({ sentBytes: count, sentMessages: count, receivedBytes: count }),
  updatedAt: text(40),
});
export type SiteStatus = TypeOf<typeof statusShape>;
type StatusHead = Pick<SiteStatus, "run" | "job" | "contract" | "member" | "wall"> & {
  readonly plannedRounds: number;
};

const LONGEST_STATUS = 1 << 20;

/** `undefined` where no client has been started with this state folder. */
export const readStatus = (file: string): Promise<SiteStatus | undefined> =>
  readOwnFile(file, {
    longest: LONGEST_STATUS,
    parse: (bytes) => statusShape(parseJson(bytes)),
    damaged: {
      code: "status-not-readable",
      problem: "it is no status of a client of this version",
      cure: "start the client again: it writes a new one",
    },
  });

/** People look at it; a file that is replaced makes the disk busy for those who wait for it. */
const SETTLE_MS = 500;

export class StatusFile {
  readonly #notice: NoticeFile;
  #status: SiteStatus;
  #timer: NodeJS.Timeout | undefined;
  /** Of gateways before this one. */
  #before: SiteStatus["traffic"] = { sentBytes: 0, sentMessages: 0, receivedBytes: 0 };

  constructor(file: string, { plannedRounds, ...head }: StatusHead) {
    this.#notice = new NoticeFile(file);
    this.#status = {
      format: "bulkhead-client-status/1",
      pid: process.pid,
      ...head,
      outcome: "running",
      doing: "starting",
      rounds: { applied: 0, planned: plannedRounds },
      link: "none",
      traffic: this.#before,
      updatedAt: "",
    };
    this.#notice.begin(this.#bytes());
  }

  get status(): SiteStatus {
    return this.#status;
  }

  hear(news: News): void {
    const before = this.#status;
    this.#status = { ...before, ...this.#changes(news) };
    this.#timer ??= setTimeout(() => void this.#tryToWrite(), SETTLE_MS).unref();
  }

  /** Resolves when the end can be read. */
  async close({ outcome, code, applied, problem }: RunEnd): Promise<void> {
    const { attempt: _attempt, training: _training, ...kept } = this.#status;
    const rounds = { ...kept.rounds, applied: Math.max(applied, kept.rounds.applied) };
    this.#status = {
      ...kept,
      outcome,
      rounds,
      doing: "nothing",
      ...(code !== undefined && { code }),
      ...(problem !== undefined && { problem: `${problem.place}: ${problem.problem}; ${problem.cure}` }),
    };
    await this.#write();
  }

  #changes(news: News): Partial<SiteStatus> {
    const { rounds } = this.#status;
    switch (news.type) {
      case "ready":
        return {
          doing: "waiting for the coordinator",
          engine: news.engine,
          rounds: { ...rounds, applied: news.applied },
        };
      case "fetching":
        return { doing: "fetching the first model" };
      case "step":
        return {
          doing: "taking part",
          attempt: { round: news.round, attempt: news.attempt, stage: news.after },
        };
      case "training": {
        const { type: _, ...training } = news;
        return { training };
      }
      case "applied":
        return { rounds: { ...rounds, applied: news.round } };
      case "link":
        return { link: news.state };
      case "traffic":
        return { traffic: this.#total(news) };
      case "problem":
        return { problem: `${news.place}: ${news.problem}; ${news.cure}` };
      case "trained":
      case "masked":
      case "evaluated":
      case "outcome":
        return {};
    }
  }

  /** A gateway started anew counts from zero. */
  #total({ sentBytes, sentMessages, receivedBytes }: SiteStatus["traffic"]): SiteStatus["traffic"] {
    const last = this.#status.traffic;
    const isAnew = sentBytes + this.#before.sentBytes < last.sentBytes;
    if (isAnew) this.#before = last;
    return {
      sentBytes: this.#before.sentBytes + sentBytes,
      sentMessages: this.#before.sentMessages + sentMessages,
      receivedBytes: this.#before.receivedBytes + receivedBytes,
    };
  }

  /** It only tells others: a disk that is full ends the run where something has to be saved. */
  async #tryToWrite(): Promise<void> {
    try {
      await this.#write();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
    }
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#notice.write(this.#bytes());
  }

  #bytes(): Uint8Array {
    this.#status = { ...this.#status, updatedAt: new Date().toISOString() };
    return utf8(`${JSON.stringify(this.#status, undefined, 2)}\n`);
  }
}
