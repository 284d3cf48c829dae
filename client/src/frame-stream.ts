/** Whole messages over a byte stream between two processes of one machine: each behind its length. */
import { type Secret, ShapeError, u32ToBytes } from "@bulkhead/base";
import type { Readable, Writable } from "node:stream";
import { LONGEST_PIPE_MESSAGE } from "./pipe.ts";

const LENGTH_BYTES = 4;

/** The messages, one by one; the stream is read no faster than they are taken. A length beyond the bound throws a {@link ShapeError}. */
export async function* messagesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  const parts = new Parts();
  let wanted: number | undefined;
  for await (const part of stream as AsyncIterable<Uint8Array>) {
    parts.add(part);
    for (;;) {
      if (wanted === undefined) {
        const head = parts.take(LENGTH_BYTES);
        if (head === undefined) break;
        wanted = new DataView(head.buffer, head.byteOffset).getUint32(0);
        if (wanted > LONGEST_PIPE_MESSAGE) throw new ShapeError("length", "a message of the pipe");
      }
      const message = parts.take(wanted);
      if (message === undefined) break;
      wanted = undefined;
      yield message;
    }
  }
}

/** Bytes that have come and not been taken. */
class Parts {
  #parts: Uint8Array[] = [];
  #length = 0;

  add(part: Uint8Array): void {
    this.#parts.push(part);
    this.#length += part.length;
  }

  /** A fresh array of `length` bytes, or `undefined` while there are fewer. */
  take(length: number): Uint8Array | undefined {
    if (this.#length < length) return undefined;
    const taken = new Uint8Array(length);
    let filled = 0;
    let used = 0;
    while (filled < length) {
      const part = this.#parts[used]!;
      const piece = part.subarray(0, length - filled);
      taken.set(piece, filled);
      filled += piece.length;
      if (piece.length === part.length) used++;
      else this.#parts[used] = part.subarray(piece.length);
    }
    this.#parts.splice(0, used);
    this.#length -= length;
    return taken;
  }
}

/** The writing end. A reader that is gone ends it quietly: whoever owns the stream hears of that elsewhere. */
export class MessageWriter {
  readonly #stream: Writable;
  #isGone = false;
  #isCorked = false;
  #waiting: (() => void)[] = [];

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("drain", this.#release);
    for (const end of ["error", "close", "finish"])
      stream.on(end, () => {
        this.#isGone = true;
        this.#release();
      });
  }

  /** Resolves once the stream takes more; what is sent keeps its order, awaited or not. */
  send(message: Uint8Array): Promise<void> {
    if (this.#isGone) return Promise.resolve();
    this.#cork();
    this.#stream.write(u32ToBytes(message.length));
    const takesMore = this.#stream.write(message);
    if (takesMore) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Overwrites the message as soon as the system has it. */
  sendSecret(message: Secret): void {
    if (this.#isGone) return message.wipe();
    this.#stream.write(u32ToBytes(message.length));
    this.#stream.write(message.reveal(), () => message.wipe());
  }

  /** Resolves when all that was sent has been handed to the system. */
  end(): Promise<void> {
    if (this.#isGone) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#stream.end();
    });
  }

  /** One call of the system for all that is said in one turn. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#stream.uncork();
    });
  }

  readonly #release = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  };
}
