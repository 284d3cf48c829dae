/** Tells on which line a byte stands, for a reader that knows only how many bytes it has taken. */
const LINE_FEED = 0x0a;

export class LineCount {
  /** Of the line ends between the reader and the end of what was fed. */
  #ends: number[] = [];
  #next = 0;
  #fed = 0;
  #passed = 0;
  #lastEnd = -1;

  /** Bytes, so far. */
  get fed(): number {
    return this.#fed;
  }

  /** Passes the pieces on. */
  async *counting(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces) {
      this.#ends = this.#ends.slice(this.#next);
      this.#next = 0;
      for (let at = piece.indexOf(LINE_FEED); at >= 0; at = piece.indexOf(LINE_FEED, at + 1))
        this.#ends.push(this.#fed + at);
      this.#fed += piece.length;
      yield piece;
    }
  }

  /** The line of the byte before `bytes`, which never goes back. */
  upTo(bytes: number): number {
    while (this.#next < this.#ends.length && this.#ends[this.#next]! < bytes) {
      this.#lastEnd = this.#ends[this.#next++]!;
      this.#passed++;
    }
    return bytes === this.#lastEnd + 1 ? this.#passed : this.#passed + 1;
  }
}
