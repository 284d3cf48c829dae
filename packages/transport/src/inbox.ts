/** Messages on their way to one receiver: one at a time, in order, each after the promise of the one before. */
import type { Receive } from "./link.ts";

interface InboxEvents {
  /** Nothing waits and nothing is being received: whoever fills the inbox may read on. */
  readonly onDrained: () => void;
  /** The receiver threw or rejected. */
  readonly onFailure: (error: unknown) => void;
}

/** What a message costs to keep, beyond its bytes: many empty ones are not for nothing. */
const KEEPING_BYTES = 256;

const costOf = (message: Uint8Array): number => message.length + KEEPING_BYTES;

export class Inbox {
  readonly #events: InboxEvents;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #receive: Receive | undefined;
  #receiving = false;
  #ending: { readonly atEnd: () => void; readonly atOnce: boolean } | undefined;

  constructor(events: InboxEvents) {
    this.#events = events;
  }

  /** What waits costs in memory, the message being received not counted. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  get isDrained(): boolean {
    return !this.#receiving && this.#waiting.length === 0;
  }

  onMessage(receive: Receive): void {
    this.#receive = receive;
    this.#deliver();
  }

  /** After {@link end} or {@link close} the message is dropped. */
  put(message: Uint8Array): void {
    if (this.#ending !== undefined) return;
    this.#waiting.push(message);
    this.#waitingBytes += costOf(message);
    this.#deliver();
  }

  /** Drops what waits. */
  close(): void {
    this.#ending = { atEnd: () => undefined, atOnce: true };
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /**
   * Takes nothing more, hands over what waits, and then calls `atEnd`. With `atOnce`, without waiting for promises:
   * a receiver whose promise hangs on what `atEnd` tells must hear of it.
   */
  end(atEnd: () => void, atOnce: boolean): void {
    if (this.#ending !== undefined) return;
    this.#ending = { atEnd, atOnce };
    this.#deliver();
  }

  #deliver(): void {
    while (this.#receive !== undefined && this.#mayReceive()) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      this.#waitingBytes -= costOf(message);
      this.#handOver(this.#receive, message);
    }
    if (this.#waiting.length === 0) this.#afterLast();
  }

  #mayReceive(): boolean {
    return !this.#receiving || this.#ending?.atOnce === true;
  }

  #handOver(receive: Receive, message: Uint8Array): void {
    this.#receiving = true;
    try {
      const received = receive(message);
      if (received === undefined) this.#receiving = false;
      else
        received.then(() => {
          this.#receiving = false;
          this.#deliver();
        }, this.#events.onFailure);
    } catch (error) {
      this.#events.onFailure(error);
    }
  }

  #afterLast(): void {
    if (this.#ending === undefined) {
      if (!this.#receiving) this.#events.onDrained();
      return;
    }
    if (this.#receiving && !this.#ending.atOnce) return;
    const { atEnd } = this.#ending;
    this.#ending = { atEnd: () => undefined, atOnce: true };
    atEnd();
  }
}
