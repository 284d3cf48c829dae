/** Reads the head of a GGUF file from front to back: a stretch of it in memory, and nothing by a length it only claims. */
import { isUtf8 } from "node:buffer";
import { ShapeError } from "@bulkhead/base";
import type { ModelBytes } from "./model-bytes.ts";

/** Twice what the largest vocabularies take; metadata and the table of tensors must end before. */
const LONGEST_HEAD = 32 * 2 ** 20;
const STRETCH = 2 ** 18;

export class GgufCursor {
  readonly #file: ModelBytes;
  readonly #end: number;
  #stretch = Buffer.alloc(0);
  #start = 0;
  #next = 0;

  constructor(file: ModelBytes) {
    this.#file = file;
    this.#end = Math.min(file.size, LONGEST_HEAD);
  }

  /** The byte that is read next. */
  get at(): number {
    return this.#next;
  }

  get bytesLeft(): number {
    return this.#end - this.#next;
  }

  u32(path: string): number {
    const start = this.#pass(4, path);
    return this.#stretch.readUInt32LE(start);
  }

  /** A size or a place; none that is sound is above 2^53. */
  u64(path: string): number {
    const start = this.#pass(8, path);
    const value = this.#stretch.readUInt32LE(start) + this.#stretch.readUInt32LE(start + 4) * 2 ** 32;
    if (!Number.isSafeInteger(value)) throw this.refusal(path, "a number below 2^53", -8);
    return value;
  }

  /** A copy, which starts a buffer of its own. */
  bytes(length: number, path: string): ArrayBuffer {
    const start = this.#pass(length, path);
    return new Uint8Array(this.#stretch.subarray(start, start + length)).buffer;
  }

  /** Text in UTF-8 behind its length. */
  text(path: string, longest = Number.POSITIVE_INFINITY): string {
    const length = this.u64(path);
    if (length > longest) throw this.refusal(path, `text of at most ${longest} bytes, not ${length}`, -8);
    const start = this.#pass(length, path);
    const text = this.#stretch.toString("utf8", start, start + length);
    if (text.includes("\u{FFFD}") && !isUtf8(this.#stretch.subarray(start, start + length)))
      throw this.refusal(path, "text in UTF-8", -length);
    return text;
  }

  /** To be thrown: what was expected there, `back` bytes from where the cursor stands. */
  refusal(path: string, expected: string, back = 0): ShapeError {
    return new ShapeError(path, `${expected} (at byte ${this.#next + back})`);
  }

  /** Moves behind the next bytes, and gives where they start in the stretch. */
  #pass(length: number, path: string): number {
    if (length > this.bytesLeft)
      throw this.refusal(
        path,
        this.#end < this.#file.size
          ? `an end before byte ${LONGEST_HEAD}, not ${length} more bytes`
          : `${length} bytes of which ${this.bytesLeft} are there`,
      );
    if (this.#next + length > this.#start + this.#stretch.length) this.#readFrom(this.#next, length);
    this.#next += length;
    return this.#next - length - this.#start;
  }

  #readFrom(at: number, length: number): void {
    const size = Math.min(Math.max(length, STRETCH), this.#end - at);
    if (this.#stretch.length !== size) this.#stretch = Buffer.alloc(size);
    this.#file.readNow(at, this.#stretch);
    this.#start = at;
  }
}
