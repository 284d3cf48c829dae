/** What a session has sent and the peer not yet acknowledged: kept until it is, so that a new link can repeat it. */
import { mayBeIgnored } from "./link.ts";
import { messageFrame } from "./session-frame.ts";

/** What a frame costs to keep, beyond its bytes. */
const KEEPING_BYTES = 256;

const costOf = (frame: Uint8Array): number => frame.length + KEEPING_BYTES;

interface Waiter {
  readonly isOver: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Outbox {
  readonly #maxBytes: number;
  /** In order; the first has the number after `#acknowledged`. */
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;
  #acknowledged = 0;
  /** The last number that went out over the present link, and over any. */
  #sentHere = 0;
  #sentEver = 0;
  #waiters: readonly Waiter[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Copies the message into a frame. Gives false, and keeps nothing, where it would go beyond the bound. */
  add(message: Uint8Array): boolean {
    const frame = messageFrame(this.#lastNumber + 1, message);
    if (this.#bytes + costOf(frame) > this.#maxBytes) return false;
    this.#frames.push(frame);
    this.#bytes += costOf(frame);
    return true;
  }

  /** The next frame for the present link, or `undefined` when all have gone out. */
  next(): Uint8Array | undefined {
    const frame = this.#frames[this.#sentHere - this.#acknowledged];
    if (frame === undefined) return undefined;
    this.#sentHere += 1;
    this.#sentEver = Math.max(this.#sentEver, this.#sentHere);
    return frame;
  }

  /** Gives false for a number that goes back, or that names a message that never went out. */
  acknowledge(number: number): boolean {
    if (number < this.#acknowledged || number > this.#sentEver) return false;
    for (const frame of this.#frames.splice(0, number - this.#acknowledged)) this.#bytes -= costOf(frame);
    this.#acknowledged = number;
    this.#sentHere = Math.max(this.#sentHere, number);
    this.#settle();
    return true;
  }

  /** A new link begins behind what the peer has received. Gives false as {@link acknowledge} does. */
  rewind(peerHasReceived: number): boolean {
    if (!this.acknowledge(peerHasReceived)) return false;
    this.#sentHere = peerHasReceived;
    return true;
  }

  /** Resolves once what is kept fills at most half of the bound. */
  whenRoomy(): Promise<void> {
    return this.#when(() => this.#bytes <= this.#maxBytes / 2);
  }

  /** Resolves once all that was added before this call is acknowledged. */
  whenAcknowledged(): Promise<void> {
    const last = this.#lastNumber;
    return this.#when(() => this.#acknowledged >= last);
  }

  /** Drops what is kept; whoever waits is rejected. */
  close(error: Error): void {
    this.#frames.length = 0;
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters = [];
  }

  get #lastNumber(): number {
    return this.#acknowledged + this.#frames.length;
  }

  #when(isOver: () => boolean): Promise<void> {
    if (isOver()) return Promise.resolve();
    return mayBeIgnored(
      new Promise((resolve, reject) => {
        this.#waiters = [...this.#waiters, { isOver, resolve, reject }];
      }),
    );
  }

  #settle(): void {
    const over = this.#waiters.filter(({ isOver }) => isOver());
    if (over.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !over.includes(waiter));
    for (const { resolve } of over) resolve();
  }
}
