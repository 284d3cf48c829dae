/**
 * A file that grows at its end, for bytes that arrive over time: an upload. What was appended is in the file at once,
 * and there after a power failure once {@link GrowingFile.keep} has returned; what a crash leaves behind is taken up
 * again at its length.
 */
import fs from "node:fs";
import { dirname } from "node:path";
import { notAFile, onDisk } from "./disk-error.ts";
import { persistName, writeAll } from "./file.ts";
import { persist } from "./persist.ts";

export interface GrowingFile {
  readonly path: string;
  /** In bytes. */
  readonly length: number;
  append(bytes: Uint8Array): void;
  /** A copy of at most `length` bytes from `offset` on; fewer only at the end. */
  read(offset: number, length: number): Uint8Array;
  /** Does not return before all that was appended, and the file's name, are on the disk. */
  keep(): void;
  /** Begins again with nothing. */
  clear(): void;
  close(): void;
}

const PRIVATE_FILE = 0o600;

/** Opens the file, or makes it. Throws an {@link InputError} (`disk-full`, `not-writable`) here and in each method. */
export const openGrowingFile = (path: string): GrowingFile =>
  onDisk("write", path, () => {
    const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, PRIVATE_FILE);
    try {
      return new OpenGrowingFile(path, descriptor);
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  });

class OpenGrowingFile implements GrowingFile {
  readonly path: string;
  readonly #descriptor: number;
  #length: number;
  #isOpen = true;
  /** Whether the folder's entry for it is on the disk: once is enough. */
  #isNameKept = false;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
    const stat = fs.fstatSync(descriptor);
    if (stat.isFIFO()) throw notAFile(path);
    this.#length = stat.size;
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    onDisk("write", this.path, () => {
      writeAll(this.#descriptor, bytes, this.#length);
    });
    this.#length += bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    return onDisk("read", this.path, () => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, this.#length - offset)));
      for (let at = 0; at < bytes.length;) {
        const read = fs.readSync(this.#descriptor, bytes, at, bytes.length - at, offset + at);
        if (read === 0) return bytes.subarray(0, at);
        at += read;
      }
      return bytes;
    });
  }

  keep(): void {
    onDisk("write", this.path, () => {
      persist("file", this.path, this.#descriptor, () => undefined);
      if (this.#isNameKept) return;
      persistName(this.path, dirname(this.path), () => undefined);
      this.#isNameKept = true;
    });
  }

  clear(): void {
    onDisk("write", this.path, () => {
      fs.ftruncateSync(this.#descriptor, 0);
    });
    this.#length = 0;
  }

  close(): void {
    if (this.#isOpen) fs.closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}
