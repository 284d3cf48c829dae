/** What waits for a round's machine, in order: events, and the one deadline that counts. */
import { Mailbox } from "@bulkhead/base";

/** An event, or what makes it when its turn comes. */
export type Posted<Event> = Event | (() => Event);

interface Waiting<Event> {
  readonly event: Posted<Event>;
  /** Of a deadline: which one has passed. */
  readonly deadline?: number;
  /** The event has been taken out. */
  readonly taken: () => void;
}

const NOTHING = (): void => undefined;

export class EventQueue<Event extends object> implements AsyncIterator<Event> {
  readonly #mailbox = new Mailbox<Waiting<Event>>();
  readonly #waiting = new Set<() => void>();
  #deadline: NodeJS.Timeout | undefined;
  #deadlines = 0;
  #isStopped = false;

  /** Of what this side has done itself. */
  add(event: Event): void {
    this.#mailbox.post({ event, taken: NOTHING });
  }

  /** Resolves when its turn has come, or never will: so that nobody can fill the memory with what waits here. */
  post(event: Posted<Event>): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      this.#mailbox.post({ event, taken: resolve });
    });
  }

  /** Replaces the deadline before it. */
  setDeadline(afterMs: number, event: Event): void {
    this.clearDeadline();
    const deadline = this.#deadlines;
    this.#deadline = setTimeout(() => this.#mailbox.post({ event, deadline, taken: NOTHING }), afterMs);
  }

  clearDeadline(): void {
    clearTimeout(this.#deadline);
    this.#deadlines += 1;
  }

  /** A deadline that was replaced while it waited here never passes. */
  async next(): Promise<IteratorResult<Event>> {
    for (;;) {
      const next = await this.#mailbox.next();
      if (next.done === true) return { done: true, value: undefined };
      const { event, deadline, taken } = next.value;
      this.#waiting.delete(taken);
      taken();
      if (deadline === undefined || deadline === this.#deadlines)
        return { done: false, value: typeof event === "function" ? event() : event };
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#deadline);
    this.#mailbox.close();
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}
