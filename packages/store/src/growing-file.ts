/**
 * A file that grows at its end, for bytes that arrive over time: an upload. What was appended is in the file at once,
 * and there after a power failure once {@link GrowingFile.keep} has returned; what a crash leaves behind is taken up
 * again at its length.
 */
import fs from "node:fs";
import { dirname } from "node:path";
import { invariant } from "@bulkhead/base";
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
  /** Goes on from `length` bytes, of those that are there. */
  cut(length: number): void;
  close(): void;
}

const PRIVATE_FILE = 0o600;

/** The names of the files that grow in one folder: one wait for the disk keeps all of them. */
export class FolderNames {
  readonly #folder: string;
  #areKept = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** A file was opened, and may be new. */
  added(): void {
    this.#areKept = false;
  }

  /** `path` is the file for which they are kept. */
  keep(path: string): void {
    if (!this.#areKept) persistName(path, this.#folder, () => undefined);
    this.#areKept = true;
  }
}

/**
 * Opens the file, or makes it; files of one folder may share `names`. Throws an {@link InputError} (`disk-full`,
 * `not-writable`) here and in each method.
 */
export const openGrowingFile = (path: string, names = new FolderNames(dirname(path))): GrowingFile =>
  onDisk("write", path, () => {
    const descriptor = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, PRIVATE_FILE);
    names.added();
    try {
      return new OpenGrowingFile(path, descriptor, names);
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  });

class OpenGrowingFile implements GrowingFile {
  readonly path: string;
  readonly #descriptor: number;
  #length: number;
  readonly #names: FolderNames;
  #isOpen = true;

  constructor(path: string, descriptor: number, names: FolderNames) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#names = names;
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
      this.#names.keep(this.path);
    });
  }

  clear(): void {
    this.cut(0);
  }

  cut(length: number): void {
    invariant(length <= this.#length, "a file is cut to what it has");
    onDisk("write", this.path, () => {
      fs.ftruncateSync(this.#descriptor, length);
    });
    this.#length = length;
  }

  close(): void {
    if (this.#isOpen) fs.closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}
