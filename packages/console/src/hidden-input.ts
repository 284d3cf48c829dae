/** Lines typed on a terminal that does not show them. */
import { InputError, Secret } from "@bulkhead/base";
import type { ReadStream, WriteStream } from "node:tty";
import { StopRequested } from "./stop-signal.ts";

const ENTER = new Set([0x0a, 0x0d]);
const BACKSPACE = new Set([0x08, 0x7f]);
const INTERRUPT = 0x03;
const END = 0x04;
const CLEAR_LINE = 0x15;
const ESCAPE = 0x1b;

interface Waiting {
  readonly resolve: (line: Secret) => void;
  readonly reject: (reason: unknown) => void;
}

/** Holds the terminal in raw mode until it is closed; what was typed ahead is kept for the next line. */
export class HiddenInput {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #line: Uint8Array;
  #length = 0;
  #ahead: number[] = [];
  #waiting: Waiting | undefined;
  #isInEscape = false;

  constructor(input: ReadStream, output: WriteStream, longest: number) {
    this.#input = input;
    this.#output = output;
    this.#line = new Uint8Array(longest);
    input.setRawMode(true);
    input.on("data", this.#onData);
    input.on("end", this.#onEnd);
    input.resume();
  }

  /** Throws {@link StopRequested} at Ctrl-C. */
  readLine(prompt: string): Promise<Secret> {
    this.#output.write(prompt);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#takeAhead();
    });
  }

  say(text: string): void {
    this.#output.write(`${text}\n`);
  }

  close(): void {
    this.#input.off("data", this.#onData);
    this.#input.off("end", this.#onEnd);
    this.#input.setRawMode(false);
    this.#input.pause();
    this.#line.fill(0);
    this.#ahead.fill(0);
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#ahead.push(...chunk);
    chunk.fill(0);
    this.#takeAhead();
  };

  readonly #onEnd = (): void => this.#fail(new Error("the terminal was closed"));

  #takeAhead(): void {
    let taken = 0;
    while (taken < this.#ahead.length && this.#waiting !== undefined) {
      const byte = this.#ahead[taken]!;
      this.#ahead[taken++] = 0;
      this.#take(byte);
    }
    this.#ahead = this.#ahead.slice(taken);
  }

  #take(byte: number): void {
    if (this.#isInEscape) {
      // Arrow keys and their like: skipped up to the letter or tilde that ends them.
      this.#isInEscape = !/[A-Za-z~]/u.test(String.fromCharCode(byte));
      return;
    }
    if (byte === INTERRUPT) this.#fail(new StopRequested("SIGINT"));
    else if (ENTER.has(byte) || byte === END) this.#finish();
    else if (BACKSPACE.has(byte)) this.#dropCharacter();
    else if (byte === CLEAR_LINE) this.#length = 0;
    else if (byte === ESCAPE) this.#isInEscape = true;
    else if (byte >= 0x20) this.#add(byte);
  }

  #add(byte: number): void {
    if (this.#length < this.#line.length) this.#line[this.#length++] = byte;
    else
      this.#fail(
        new InputError({
          code: "passphrase-form",
          place: "terminal",
          problem: `it is longer than ${this.#line.length} bytes`,
          cure: "use a shorter passphrase",
        }),
      );
  }

  /** Bytes 10xxxxxx belong to the character before them (UTF-8). */
  #dropCharacter(): void {
    while (this.#length > 0 && (this.#line[--this.#length]! & 0xc0) === 0x80);
  }

  #finish(): void {
    const line = new Secret(this.#line.slice(0, this.#length));
    this.#reset()?.resolve(line);
  }

  #fail(reason: unknown): void {
    this.#reset()?.reject(reason);
  }

  #reset(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#line.fill(0);
    this.#length = 0;
    this.#output.write("\n");
    return waiting;
  }
}
