/**
 * The only loop: one attempt of one round. It hands the machine what happens, and does what the machine asks for; it
 * knows nothing of the protocol. Work that takes time is started here and reports by an event.
 */
import { Mailbox } from "@bulkhead/base";
import {
  type Chunk,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorMessage,
  type CoordinatorState,
  drive,
  isCoordinatorOver,
  type Step,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { Journal } from "@bulkhead/store";
import type { Spool } from "./spool.ts";
import type { Sum, Unmasked } from "./sum.ts";

type CoordinatorStep = Step<CoordinatorState, CoordinatorEffect>;
export type StepMachine = (state: CoordinatorState, event: CoordinatorEvent) => CoordinatorStep;
export type Observe = (before: CoordinatorState, event: CoordinatorEvent, after: CoordinatorStep) => void;

interface AttemptTools {
  readonly step: StepMachine;
  readonly observe: Observe;
  readonly journal: Pick<Journal<CoordinatorEvent>, "add" | "isUnkept" | "keep">;
  readonly spool: Spool;
  readonly sum: Sum;
  readonly send: (to: MemberId, message: CoordinatorMessage) => void;
  /** The plain sum is on the disk when this resolves. */
  readonly keepSum: (sum: Unmasked) => Promise<void>;
}

interface Posted {
  readonly event: CoordinatorEvent;
  /** Of a deadline: which one has passed. */
  readonly deadline?: number;
  /** The event has been taken out. */
  readonly taken: () => void;
}

/** An event on which nothing that was sent depends is on the disk after so long at the latest. */
const KEEP_AFTER_MS = 100;

/**
 * What may come before its event is on the disk: nobody outside hears of these. Work that is started here reports by an
 * event, which stands behind its cause in the journal.
 */
const STAYS_INSIDE: ReadonlySet<CoordinatorEffect["type"]> = new Set([
  "persist",
  "set-deadline",
  "clear-deadline",
  "fold",
  "unmask",
  "note",
]);

export class RunningAttempt {
  readonly #tools: AttemptTools;
  readonly #mailbox = new Mailbox<Posted>();
  readonly #waiting = new Set<() => void>();
  #state: CoordinatorState;
  #deadline: NodeJS.Timeout | undefined;
  #deadlines = 0;
  #keeping: NodeJS.Timeout | undefined;
  #work: Promise<unknown> = Promise.resolve();
  #fail: (error: unknown) => void = () => undefined;
  #isStopped = false;

  constructor(tools: AttemptTools, state: CoordinatorState) {
    this.#tools = tools;
    this.#state = state;
  }

  get state(): CoordinatorState {
    return this.#state;
  }

  /** Resolves when the event's turn has come, or never will: so that a member's messages wait with the member. */
  post(event: CoordinatorEvent): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#post({ event, taken: resolve });
    });
  }

  /** A piece of an upload; what is not awaited now is dropped. */
  take(from: MemberId, chunk: Chunk): void {
    const state = this.#state;
    if (state.stage !== "collecting-inputs" || chunk.vector !== "masked-input") return;
    const { round, attempt, job } = state.context;
    if (chunk.round !== round || chunk.attempt !== attempt || chunk.total !== job.layout.byteLength) return;
    if (state.sharers.includes(from) && !state.trailers.has(from)) this.#tools.spool.take(from, chunk);
  }

  /** Gives the state in which the attempt ended, or stood when it was stopped. Rejects where it cannot be gone on with. */
  async run(effects: readonly CoordinatorEffect[]): Promise<CoordinatorState> {
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    const driven = drive(
      {
        start: { state: this.#state, effects },
        step: this.#tools.step,
        isOver: isCoordinatorOver,
        observe: (before, event, after) => {
          this.#state = after.state;
          this.#tools.observe(before, event, after);
        },
      },
      { next: () => this.#next() },
      (effect) => this.#perform(effect),
    );
    try {
      const state = await Promise.race([driven, failed]);
      await this.#keep();
      return state;
    } finally {
      this.stop();
      await Promise.allSettled([driven, this.#work]);
    }
  }

  /** Ends the loop where it stands; the journal has all that matters. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#deadline);
    clearTimeout(this.#keeping);
    this.#mailbox.close();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #post(posted: Posted): void {
    this.#mailbox.post(posted);
  }

  /** A deadline that was replaced while it waited here never passes. */
  async #next(): Promise<IteratorResult<CoordinatorEvent>> {
    for (;;) {
      const next = await this.#mailbox.next();
      if (next.done === true) return { done: true, value: undefined };
      const { event, deadline, taken } = next.value;
      this.#waiting.delete(taken);
      taken();
      if (deadline === undefined || deadline === this.#deadlines) return { done: false, value: event };
    }
  }

  /** Whatever leaves waits for the disk first, for all events that came before it at once. */
  #perform(effect: CoordinatorEffect): void | Promise<void> {
    return this.#tools.journal.isUnkept && !STAYS_INSIDE.has(effect.type)
      ? this.#keep().then(() => this.#do(effect))
      : this.#do(effect);
  }

  #note(event: CoordinatorEvent): void {
    this.#tools.journal.add(event);
    this.#keeping ??= setTimeout(() => {
      this.#keep().catch((error: unknown) => this.#fail(error));
    }, KEEP_AFTER_MS);
  }

  #keep(): Promise<void> {
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    return this.#tools.journal.keep();
  }

  #do(effect: CoordinatorEffect): void {
    const { send, spool } = this.#tools;
    switch (effect.type) {
      case "persist":
        return this.#note(effect.event);
      case "send":
        return send(effect.to, effect.message);
      case "send-received":
        return send(effect.to, {
          type: "received",
          round: effect.round,
          attempt: effect.attempt,
          bytes: spool.received(effect.to),
        });
      case "set-deadline":
        return this.#setDeadline(effect.afterMs);
      case "clear-deadline":
        return this.#clearDeadline();
      case "fold":
        return this.#start(() => this.#fold(effect));
      case "unmask":
        return this.#start(() => this.#unmask(effect));
      // Whoever runs the attempt publishes, and sends the sum to those who lack it.
      case "publish":
      case "send-sum":
      // What was observed says it too.
      case "note":
        return undefined;
    }
  }

  #setDeadline(afterMs: number): void {
    this.#clearDeadline();
    const deadline = this.#deadlines;
    this.#deadline = setTimeout(() => {
      this.#post({ event: { type: "deadline-passed" }, deadline, taken: () => undefined });
    }, afterMs);
  }

  #clearDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadlines += 1;
  }

  /** One piece of work after the other, so that memory does not grow with the number of members. */
  #start(work: () => Promise<CoordinatorEvent>): void {
    this.#work = this.#work.then(work).then(
      (event) => this.#post({ event, taken: () => undefined }),
      (error: unknown) => this.#fail(error),
    );
  }

  async #fold({
    from,
    digest,
    byteLength,
  }: Extract<CoordinatorEffect, { readonly type: "fold" }>): Promise<CoordinatorEvent> {
    const { spool, sum } = this.#tools;
    const outcome = spool.check(from, { digest, byteLength });
    if (outcome === "added") await sum.add(() => spool.pieces(from));
    return { type: "folded", from, outcome };
  }

  async #unmask({
    streams,
  }: Extract<CoordinatorEffect, { readonly type: "unmask" }>): Promise<CoordinatorEvent> {
    const unmasked = await this.#tools.sum.unmask(streams);
    if (unmasked.outcome === "plain") await this.#tools.keepSum(unmasked);
    return unmasked;
  }
}
