/** Decides when what was received is acknowledged: with the next message out, when it is much, or after a while. */
interface AcknowledgerOptions {
  /** So many bytes are acknowledged at once. */
  readonly muchBytes: number;
  readonly afterMs: number;
  readonly acknowledge: () => void;
}

const MUCH_MESSAGES = 32;

export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  #bytes = 0;
  #messages = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: AcknowledgerOptions) {
    this.#options = options;
  }

  received(bytes: number): void {
    this.#bytes += bytes;
    this.#messages += 1;
    if (this.#messages >= MUCH_MESSAGES || this.#bytes >= this.#options.muchBytes) this.#acknowledge();
    else this.#timer ??= setTimeout(this.#acknowledge, this.#options.afterMs);
  }

  /** Nothing is owed any more: an acknowledgement has gone out, or the session is over. */
  settle(): void {
    this.#bytes = 0;
    this.#messages = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  readonly #acknowledge = (): void => {
    this.settle();
    this.#options.acknowledge();
  };
}
