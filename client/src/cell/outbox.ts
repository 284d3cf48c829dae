/** What waits to go to the gateway: frames and whole vectors, in order, each handed on when the one before is taken. */

type Frames = Iterator<Uint8Array>;

export class Outbox {
  readonly #send: (frame: Uint8Array) => Promise<void>;
  #queue: (Uint8Array | Frames)[] = [];
  #isDraining = false;
  #drained: Promise<void> = Promise.resolve();

  constructor(send: (frame: Uint8Array) => Promise<void>) {
    this.#send = send;
  }

  post(frame: Uint8Array): void {
    this.#add(frame);
  }

  stream(frames: Frames): void {
    this.#add(frames);
  }

  /** Forgets what has not been handed on. */
  clear(): void {
    this.#queue = [];
  }

  /** Frames and vectors; a vector counts until its last frame has been handed on. */
  get waiting(): number {
    return this.#queue.length;
  }

  async drained(): Promise<void> {
    await this.#drained;
  }

  #add(item: Uint8Array | Frames): void {
    this.#queue.push(item);
    if (!this.#isDraining) this.#drained = this.#drain();
  }

  /** What is added until the flag falls is handed on here; what is added after it starts anew. */
  async #drain(): Promise<void> {
    this.#isDraining = true;
    try {
      for (let frame = this.#next(); frame !== undefined; frame = this.#next()) await this.#send(frame);
    } finally {
      this.#isDraining = false;
    }
  }

  #next(): Uint8Array | undefined {
    for (;;) {
      const first = this.#queue[0];
      const next = first instanceof Uint8Array ? undefined : first?.next();
      if (next?.done === false) return next.value;
      this.#queue.shift();
      if (first === undefined || first instanceof Uint8Array) return first;
    }
  }
}
