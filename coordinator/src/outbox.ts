/**
 * What waits to go out to one member over one session: messages that nobody waits for, and long vectors that go at the
 * member's own pace. Messages are bounded in bytes; a member that does not read loses its session, and holds up nobody.
 */
import { encodeFrame, type CoordinatorFrame } from "@bulkhead/protocol";

export type Frames = AsyncGenerator<CoordinatorFrame>;

export interface OutboxOptions {
  /** In bytes, of messages that wait behind a vector or a slow member. */
  readonly longest: number;
  /** Resolves when the next one may follow; rejects when the session is over. */
  readonly send: (frame: Uint8Array) => Promise<void>;
  readonly onSent: (bytes: number) => void;
  /** Too much waits: the session ends. */
  readonly onOverflow: () => void;
  /** A vector could not be read: a failure of ours. */
  readonly onFailure: (error: unknown) => void;
}

type Item = { readonly message: Uint8Array } | { readonly frames: Frames };

export class Outbox {
  readonly #options: OutboxOptions;
  #items: Item[] = [];
  #waiting = 0;
  #pumping: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  post(message: CoordinatorFrame): void {
    if (this.#isClosed) return;
    const bytes = encodeFrame(message);
    if (this.#waiting + bytes.length > this.#options.longest) {
      this.close();
      this.#options.onOverflow();
      return;
    }
    this.#waiting += bytes.length;
    this.#put({ message: bytes });
  }

  /** Read piece by piece, when its turn has come. */
  stream(frames: Frames): void {
    if (!this.#isClosed) this.#put({ frames });
  }

  /** Resolves when all that waits now has been handed to the session, or never will be. */
  async drained(): Promise<void> {
    await this.#pumping;
  }

  close(): void {
    this.#isClosed = true;
    this.#items = [];
    this.#waiting = 0;
  }

  #put(item: Item): void {
    this.#items.push(item);
    this.#pumping ??= this.#pump();
  }

  /** Never rejects: a session that ends says so itself. */
  async #pump(): Promise<void> {
    for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
      if ("message" in item) {
        this.#waiting -= item.message.length;
        await this.#send(item.message);
      } else await this.#sendAll(item.frames);
    }
    this.#pumping = undefined;
  }

  async #sendAll(frames: Frames): Promise<void> {
    try {
      for await (const frame of frames) {
        if (this.#isClosed) return;
        await this.#send(encodeFrame(frame));
      }
    } catch (error) {
      this.#options.onFailure(error);
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    try {
      await this.#options.send(bytes);
      this.#options.onSent(bytes.length);
    } catch {
      this.close();
    }
  }
}
