/** Counts what passes, and tells it a few times a second at the most. */
import type { NewsOf } from "../news.ts";

type Counts = Omit<NewsOf<"traffic">, "type">;

const TELL_AFTER_MS = 250;

export class Traffic {
  readonly #tell: (counts: Counts) => void;
  #counts: Counts = { sentBytes: 0, sentMessages: 0, receivedBytes: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(tell: (counts: Counts) => void) {
    this.#tell = tell;
  }

  sent(bytes: number): void {
    const { sentBytes, sentMessages } = this.#counts;
    this.#count({ sentBytes: sentBytes + bytes, sentMessages: sentMessages + 1 });
  }

  received(bytes: number): void {
    this.#count({ receivedBytes: this.#counts.receivedBytes + bytes });
  }

  /** What is untold yet. */
  close(): void {
    if (this.#timer !== undefined) this.#tellNow();
  }

  #count(changed: Partial<Counts>): void {
    this.#counts = { ...this.#counts, ...changed };
    this.#timer ??= setTimeout(() => this.#tellNow(), TELL_AFTER_MS);
  }

  #tellNow(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#tell(this.#counts);
  }
}
