/** One operation at a time, in the order of the calls: two never write the same lanes. */
export class Turns {
  readonly #name: string;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** `name` is the engine's, for the error of whoever calls a closed one. */
  constructor(name: string) {
    this.#name = name;
  }

  take<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error(`ring engine "${this.#name}" is closed`));
    const result = this.#last.then(operation);
    this.#last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** Refuses further operations, and waits for those that were called before. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }
}
