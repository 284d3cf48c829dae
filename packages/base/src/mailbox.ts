/** A queue that several sources fill and one loop empties, in order of arrival. */
export class Mailbox<T> implements AsyncIterableIterator<T> {
  #waiting: T[] = [];
  #deliver: ((result: IteratorResult<T>) => void) | undefined;
  #closed = false;

  /** Adds an item; after {@link close} it is dropped. */
  readonly post = (item: T): void => {
    if (this.#closed) return;
    const deliver = this.#deliver;
    this.#deliver = undefined;
    if (deliver === undefined) this.#waiting.push(item);
    else deliver({ value: item, done: false });
  };

  /** Ends the queue: what is waiting is still delivered, then the iterator is done. */
  readonly close = (): void => {
    this.#closed = true;
    this.#deliver?.({ value: undefined, done: true });
    this.#deliver = undefined;
  };

  get size(): number {
    return this.#waiting.length;
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#waiting.length > 0) return Promise.resolve({ value: this.#waiting.shift()!, done: false });
    if (this.#closed) return Promise.resolve({ value: undefined, done: true });
    if (this.#deliver !== undefined) throw new Error("a mailbox has one reader");
    return new Promise((resolve) => {
      this.#deliver = resolve;
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
