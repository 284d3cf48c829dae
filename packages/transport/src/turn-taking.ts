/** Reads a link one message at a time, each when it is asked for: the linear half of a handshake. */
import type { Link, Receive } from "./link.ts";
import type { LinkFailure } from "./link-failure.ts";

/** Thrown through the steps of a handshake, and caught where it began. */
export class HandshakeStopped extends Error {
  override readonly name = "HandshakeStopped";
  readonly failure: LinkFailure;

  constructor(failure: LinkFailure) {
    super(failure.type);
    this.failure = failure;
  }
}

export class TurnTaking {
  readonly #link: Link;
  readonly #deadline: NodeJS.Timeout;
  #arrived: Uint8Array[] = [];
  #readOn: () => void = () => undefined;
  #waiting:
    | { readonly resolve: (message: Uint8Array) => void; readonly reject: (e: Error) => void }
    | undefined;
  #failure: LinkFailure | undefined;

  /** After `withinMs` whoever waits, or comes to wait, is told `handshake-too-slow`. */
  constructor(link: Link, withinMs: number) {
    this.#link = link;
    this.#deadline = setTimeout(() => {
      this.#fail({ type: "handshake-too-slow", afterMs: withinMs });
    }, withinMs);
    link.onMessage((message) => this.#arrive(message));
    link.onClose((closed) => {
      this.#fail({ type: "closed", closed });
    });
  }

  /** The next message; throws {@link HandshakeStopped} once the link has closed or the time is up. */
  next(): Promise<Uint8Array> {
    const message = this.#arrived.shift();
    if (message !== undefined) return Promise.resolve(message);
    if (this.#failure !== undefined) return Promise.reject(new HandshakeStopped(this.#failure));
    this.#readOn();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Ends the taking of turns: what has arrived, and all that follows, goes to `receive`. */
  passTo(receive: Receive): void {
    clearTimeout(this.#deadline);
    for (const message of this.#arrived) void receive(message);
    this.#arrived = [];
    this.#link.onMessage(receive);
    this.#readOn();
  }

  stop(): void {
    clearTimeout(this.#deadline);
  }

  /** Holds back the link until the next turn. */
  #arrive(message: Uint8Array): Promise<void> | undefined {
    const waiting = this.#waiting;
    if (waiting === undefined) this.#arrived.push(message);
    else waiting.resolve(message);
    this.#waiting = undefined;
    return new Promise((resolve) => {
      this.#readOn = resolve;
    });
  }

  #fail(failure: LinkFailure): void {
    this.#failure ??= failure;
    this.#waiting?.reject(new HandshakeStopped(this.#failure));
    this.#waiting = undefined;
  }
}
