/** Bytes as lines, in memory bounded by the longest line and never by the longest one that a file may try. */
import { concatBytes } from "@bulkhead/base";

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its end (LF or CR LF); `undefined` where it is longer than allowed. */
  readonly bytes: Uint8Array | undefined;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A last line without an end is a line; an empty rest after the last end is none. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>, longest: number): AsyncGenerator<Line> {
  let number = 1;
  const line = new PartialLine(longest);
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf(LINE_FEED); end >= 0; end = piece.indexOf(LINE_FEED, start)) {
      line.add(piece.subarray(start, end));
      yield { number: number++, bytes: line.take() };
      start = end + 1;
    }
    line.add(piece.subarray(start));
  }
  if (line.isBegun) yield { number, bytes: line.take() };
}

class PartialLine {
  readonly #longest: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  get isBegun(): boolean {
    return this.#length > 0;
  }

  /** One byte more than the longest is kept room for: the CR before an LF is not part of the line. */
  add(part: Uint8Array): void {
    this.#length += part.length;
    if (this.#length > this.#longest + 1) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  take(): Uint8Array | undefined {
    const isKept = this.#length <= this.#longest + 1;
    const [first, ...rest] = this.#parts;
    const bytes =
      first === undefined ? new Uint8Array(0) : rest.length === 0 ? first : concatBytes(first, ...rest);
    this.#parts = [];
    this.#length = 0;
    const text = bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
    return isKept && text.length <= this.#longest ? text : undefined;
  }
}
