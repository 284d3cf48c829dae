/** One attempt after the other: who is waited for, how it is opened or taken up again, and what watches it. */
import { invariant } from "@bulkhead/base";
import { type CoordinatorState, describeCoordinator, type Description } from "@bulkhead/protocol";
import { type Model } from "@bulkhead/party";
import { type CoordinatorLog, transitionLog } from "./coordinator-log.ts";
import type { OpenedEntry } from "./journal/job-journal.ts";
import { dealersToLeaveOut, nextAttempt, type Progress } from "./journal/progress.ts";
import type { Metrics } from "./metrics.ts";
import {
  type AttemptTools,
  mayHaveInputs,
  type OpenAttempt,
  openNewAttempt,
  resumeAttempt,
} from "./open-round.ts";
import { writeSum } from "./published-rounds.ts";
import type { Reception } from "./reception.ts";
import type { RollCall } from "./roll-call.ts";
import { type Observe, RunningAttempt } from "./run-round.ts";

export interface PlayingTools extends AttemptTools {
  readonly reception: Reception;
  readonly rollCall: RollCall;
  readonly metrics: Metrics;
  readonly log: CoordinatorLog;
  /** How long to wait for all members before the first attempt of this process. */
  readonly startWaitMs: number;
  /** Something that the status shows has changed. */
  readonly touch: () => void;
}

/** Where the job stands when an attempt is played. */
interface Place {
  readonly progress: Progress;
  readonly model: Model;
  /** Makes the entry last before anybody hears of the attempt. */
  readonly note: (entry: OpenedEntry) => Promise<void>;
}

interface Played {
  readonly state: CoordinatorState;
  /** Whether masked inputs may have left a site in it. */
  readonly hadInputs: boolean;
}

export class Attempts {
  readonly #tools: PlayingTools;
  readonly #log: (description: Description) => void;
  #attempt: RunningAttempt | undefined;
  #doing = "starting";
  #opened = 0;
  #release: (() => void) | undefined;

  constructor(tools: PlayingTools) {
    this.#tools = tools;
    this.#log = transitionLog(tools.log);
  }

  get state(): CoordinatorState | undefined {
    return this.#attempt?.state;
  }

  get doing(): string {
    return this.#doing;
  }

  /** How many this process has opened. */
  get opened(): number {
    return this.#opened;
  }

  /** What members say from now on waits until the attempt that was under way is taken up again. */
  expectResumption(): void {
    this.#release = this.#tools.reception.hold();
  }

  /** Gives how the attempt ended, or where it stood when it was stopped; `undefined` if none was begun. */
  async play(place: Place): Promise<Played | undefined> {
    const open = await (place.progress.opened === undefined ? this.#open(place) : this.#resume(place));
    return open && this.#run(open);
  }

  stop(): void {
    this.#attempt?.stop();
  }

  async #resume({ progress: { opened } }: Place): Promise<OpenAttempt> {
    invariant(opened !== undefined, "there is an attempt to go on with");
    const attempt = await resumeAttempt(this.#tools, opened);
    this.#tools.log.log("info", "attempt-resumed", {
      ...logged(opened),
      after: attempt.start.state.stage,
    });
    return withPatience(attempt, this.#tools.startWaitMs);
  }

  async #open({ progress, model, note }: Place): Promise<OpenAttempt | undefined> {
    const { rollCall, job, log } = this.#tools;
    const now = { applied: progress.applied.length, modelHash: model.hash };
    await this.#waitForMembers(() => rollCall.ready(now).size, now.applied + 1);
    if (rollCall.isStopped) return undefined;
    const ready = rollCall.ready(now);
    const entry: OpenedEntry = {
      type: "opened",
      round: now.applied + 1,
      attempt: nextAttempt(progress),
      modelHash: model.hash,
      gone: job.members.map(({ id }) => id).filter((id) => !ready.has(id)),
      leftOut: dealersToLeaveOut(progress, { ready, least: job.least }),
    };
    const attempt = await openNewAttempt(this.#tools, entry);
    await note(entry);
    this.#opened += 1;
    log.log("info", "attempt-opened", logged(entry));
    return attempt;
  }

  /**
   * The first time for all members, and then without end for as many as an attempt needs; later for those who are
   * there, and may still be busy with the last sum. Whoever is not ready is not waited for in the attempt either.
   */
  async #waitForMembers(ready: () => number, round: number): Promise<void> {
    const { rollCall, job, startWaitMs, log } = this.#tools;
    this.enter("waiting for members");
    const isFirst = this.#opened === 0;
    const wanted = () => (isFirst ? job.members.length : Math.max(job.least, rollCall.taking().size));
    const forMs = isFirst ? startWaitMs : job.contract.timing.stageMs;
    if (await rollCall.wait({ isMet: () => ready() >= wanted(), forMs })) return;
    if (!isFirst || rollCall.isStopped || ready() >= job.least) return;
    log.log("warn", "waiting", { round, ready: ready(), needed: job.least });
    await rollCall.wait({ isMet: () => ready() >= job.least });
  }

  async #run(open: OpenAttempt): Promise<Played> {
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
    this.enter(start.state.stage, attempt);
    this.#release?.();
    this.#release = undefined;
    try {
      return { state: await attempt.run(start.effects), hadInputs };
    } finally {
      this.enter("between attempts");
      journal.close();
      spool.close();
    }
  }

  readonly #observe: Observe = (before, event, after) => {
    const { metrics, touch } = this.#tools;
    const description = describeCoordinator(before, event, after);
    this.#log(description);
    metrics.observe(description);
    touch();
  };

  /** Says what is going on from here on. */
  enter(doing: string, attempt?: RunningAttempt): void {
    const { metrics, reception, touch } = this.#tools;
    this.#doing = doing;
    this.#attempt = attempt;
    reception.attempt = attempt;
    metrics.enter(doing);
    touch();
  }
}

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
