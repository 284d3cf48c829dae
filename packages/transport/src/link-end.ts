/** The end of a link: it comes once, has one reason, and whoever asks late hears it too. */
import { LinkClosedError, mayBeIgnored, type LinkClosed } from "./link.ts";

export class LinkEnd {
  #closed: LinkClosed | undefined;
  #told = false;
  #listener: ((reason: LinkClosed) => void) | undefined;
  readonly #waiting = new Set<{ readonly resolve: () => void; readonly reject: (error: Error) => void }>();

  get closed(): LinkClosed | undefined {
    return this.#closed;
  }

  onClose(listener: (reason: LinkClosed) => void): void {
    this.#listener = listener;
    if (this.#told && this.#closed !== undefined) listener(this.#closed);
  }

  /** Settles the reason, of which the first counts; waiting senders fail. Gives false if there was one already. */
  decide(reason: LinkClosed): boolean {
    if (this.#closed !== undefined) return false;
    this.#closed = reason;
    for (const sender of this.#waiting) sender.reject(new LinkClosedError(reason));
    this.#waiting.clear();
    return true;
  }

  /** Tells the listener; a link does this once its last message has been handed over. */
  tell(): void {
    if (this.#told || this.#closed === undefined) return;
    this.#told = true;
    this.#listener?.(this.#closed);
  }

  /** A sender's wait, until {@link releaseSenders} or the end. */
  waitToSend(): Promise<void> {
    return mayBeIgnored(
      new Promise((resolve, reject) => {
        this.#waiting.add({ resolve, reject });
      }),
    );
  }

  releaseSenders(): void {
    for (const sender of this.#waiting) sender.resolve();
    this.#waiting.clear();
  }
}
