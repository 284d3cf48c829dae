/** What a child prints, in a file of bounded length, and its last line for when it ends badly. */
import fs from "node:fs";
import type { Readable } from "node:stream";
import { printable } from "@bulkhead/console";
import { onDisk } from "@bulkhead/store";

const LONGEST_FILE = 1 << 20;
const LONGEST_LINE = 300;

export class ChildOutput {
  readonly #file: number;
  #length = 0;
  #tail = "";

  /** Begins the file anew; its owner alone may read it, since a trainer may print what it likes. */
  constructor(path: string) {
    this.#file = onDisk("write", path, () => fs.openSync(path, "w", 0o600));
  }

  take(stream: Readable): void {
    stream.on("data", (data: Buffer) => this.#add(data));
  }

  /** The last line with anything in it. */
  get lastLine(): string | undefined {
    const line = this.#tail.split("\n").findLast((one) => one.trim() !== "");
    return line === undefined ? undefined : printable(line.trim().slice(0, LONGEST_LINE));
  }

  close(): void {
    fs.closeSync(this.#file);
  }

  #add(data: Buffer): void {
    this.#tail = `${this.#tail}${data.toString()}`.slice(-4 * LONGEST_LINE);
    const room = LONGEST_FILE - this.#length;
    if (room <= 0) return;
    try {
      this.#length += fs.writeSync(this.#file, data.subarray(0, room));
    } catch {
      // It only helps to understand an end: a full disk ends the run where something has to be saved.
      this.#length = LONGEST_FILE;
    }
  }
}
