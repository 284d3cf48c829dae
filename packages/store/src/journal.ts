/**
 * An append-only file of entries, made to last singly or many at once. An entry that was kept is there after any crash;
 * one that was not is there whole, with all before it, or not at all. Open one journal per file at a time:
 * {@link lockFolder} its folder first.
 */
import fs from "node:fs";
import { bytesToHex, concatBytes, equalBytes, InputError, invariant } from "@bulkhead/base";
import { diskError, isDiskFull, onDisk, systemCode } from "./disk-error.ts";
import { writeAll, writeFileAtomic } from "./file.ts";
import {
  journalHeader,
  journalRecord,
  LONGEST_BINDING,
  LONGEST_HEADER,
  readHeader,
  readRecord,
} from "./journal-format.ts";
import { persist } from "./persist.ts";

export interface JournalCodec<Entry> {
  readonly encode: (entry: Entry) => Uint8Array;
  /** Throws on bytes that it does not know. */
  readonly decode: (bytes: Uint8Array) => Entry;
}

export interface JournalOptions {
  /** What the journal belongs to (the digest of a contract): stands in the header, and must match on opening. */
  readonly binding: Uint8Array;
  /** In bytes, of one encoded entry; 1 MiB unless given. */
  readonly longestEntry?: number;
  /** Whether a missing file is begun anew (default) or refused: whoever has written before must not start afresh. */
  readonly create?: boolean;
}

export interface Journal<Entry> {
  /** What was in it when it was opened, oldest first. */
  readonly entries: readonly Entry[];
  /** An append that a crash has interrupted, cut off on opening; none of its entry was promised to anyone. */
  readonly torn: { readonly at: number; readonly bytes: number } | undefined;
  /** Takes an entry that need not be on the disk yet: {@link keep} brings it there, with one wait for all that wait. */
  add(entry: Entry): void;
  /** Whether entries were added that are not on the disk. */
  readonly isUnkept: boolean;
  /**
   * Resolves when all entries are on the disk. Throws an {@link InputError} (`disk-full`, `journal-in-use`) with the
   * journal as it was after the last entry that was kept; after a failing disk the journal takes no more.
   */
  keep(): Promise<void>;
  /** Adds and keeps. */
  append(entry: Entry): Promise<void>;
  /** What was not kept is gone. */
  close(): void;
}

const LONGEST_ENTRY = 1024 * 1024;

/**
 * Throws an {@link InputError} where the file is no journal (`journal-unknown`), belongs to something else
 * (`journal-foreign`), is missing and may not be created (`journal-missing`), or is damaged before its end
 * (`journal-damaged`, with the byte).
 */
export const openJournal = async <Entry>(
  path: string,
  codec: JournalCodec<Entry>,
  options: JournalOptions,
): Promise<Journal<Entry>> => {
  invariant(options.binding.length <= LONGEST_BINDING, "a binding is short");
  if (!onDisk("read", path, () => fs.existsSync(path))) {
    if (options.create === false) throw missing(path);
    await writeFileAtomic(path, journalHeader(options.binding));
  }
  return onDisk("write", path, () => {
    const descriptor = fs.openSync(path, "r+");
    try {
      return new OpenJournal(path, descriptor, codec, options);
    } catch (error) {
      fs.closeSync(descriptor);
      throw error;
    }
  });
};

class OpenJournal<Entry> implements Journal<Entry> {
  readonly entries: readonly Entry[];
  readonly torn: Journal<Entry>["torn"];
  readonly #path: string;
  readonly #descriptor: number;
  readonly #codec: JournalCodec<Entry>;
  readonly #longest: number;
  /** After all entries, and after those that are kept. */
  #chain: Uint8Array;
  #keptChain: Uint8Array;
  /** Records that are not in the file yet. */
  #unkept: Uint8Array[] = [];
  #end: number;
  #state: "open" | "broken" | "closed" = "open";

  constructor(path: string, descriptor: number, codec: JournalCodec<Entry>, options: JournalOptions) {
    this.#path = path;
    this.#descriptor = descriptor;
    this.#codec = codec;
    this.#longest = options.longestEntry ?? LONGEST_ENTRY;
    const header = this.#readHeader(options.binding);
    this.#chain = header.chain;
    this.#end = header.end;
    const { size } = fs.fstatSync(descriptor);
    this.entries = this.#readEntries(size);
    this.torn = this.#end === size ? undefined : { at: this.#end, bytes: size - this.#end };
    this.#keptChain = this.#chain;
    if (this.torn !== undefined) this.#cut();
  }

  get isUnkept(): boolean {
    return this.#unkept.length > 0;
  }

  add(entry: Entry): void {
    invariant(this.#state !== "closed", "an entry goes into an open journal");
    if (this.#state === "broken") throw unusable(this.#path);
    const payload = this.#codec.encode(entry);
    invariant(payload.length <= this.#longest, "an entry is within the journal's bound");
    const { record, chain } = journalRecord(this.#chain, payload);
    this.#unkept.push(record);
    this.#chain = chain;
  }

  async keep(): Promise<void> {
    if (!this.isUnkept) return;
    const records = concatBytes(...this.#unkept);
    try {
      if (fs.fstatSync(this.#descriptor).size !== this.#end) throw inUse(this.#path);
      persist("entry", this.#path, this.#descriptor, () => writeAll(this.#descriptor, records, this.#end));
    } catch (error) {
      this.#takeBack(error);
      throw diskError("write", this.#path, error);
    }
    this.#unkept = [];
    this.#keptChain = this.#chain;
    this.#end += records.length;
  }

  async append(entry: Entry): Promise<void> {
    this.add(entry);
    await this.keep();
  }

  close(): void {
    if (this.#state !== "closed") fs.closeSync(this.#descriptor);
    this.#unkept = [];
    this.#state = "closed";
  }

  #readHeader(binding: Uint8Array): { readonly chain: Uint8Array; readonly end: number } {
    const { size } = fs.fstatSync(this.#descriptor);
    const header = readHeader(this.#read(0, Math.min(size, LONGEST_HEADER)));
    if (header.type === "no-journal") throw unknown(this.#path, "it is no journal, or its start was altered");
    if (header.type === "other-version")
      throw unknown(this.#path, `it is a journal of format ${header.version}`);
    if (!equalBytes(header.binding, binding)) throw foreign(this.#path, header.binding, binding);
    return header;
  }

  #readEntries(size: number): readonly Entry[] {
    const file = { size, read: (at: number, length: number) => this.#read(at, length) };
    const entries: Entry[] = [];
    while (this.#end < size) {
      const record = readRecord(file, this.#end, this.#chain, this.#longest);
      if (record.type === "torn") break;
      if (record.type === "damaged") throw damaged(this.#path, this.#end, record.problem);
      entries.push(this.#decode(record.payload));
      this.#chain = record.chain;
      this.#end = record.end;
    }
    return entries;
  }

  #decode(payload: Uint8Array): Entry {
    try {
      return this.#codec.decode(payload);
    } catch {
      throw damaged(this.#path, this.#end, "an entry is of a kind that this program does not know");
    }
  }

  #read(at: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const read = fs.readSync(this.#descriptor, bytes, 0, length, at);
    if (read !== length) throw inUse(this.#path);
    return bytes;
  }

  #cut(): void {
    persist("cut", this.#path, this.#descriptor, () => fs.ftruncateSync(this.#descriptor, this.#end));
  }

  /** A full disk leaves part of the records, which can be taken back; what another error leaves, nobody knows. */
  #takeBack(error: unknown): void {
    this.#unkept = [];
    this.#chain = this.#keptChain;
    this.#state = "broken";
    if (!isDiskFull(error)) return;
    try {
      this.#cut();
      this.#state = "open";
    } catch (failure) {
      if (systemCode(failure) === undefined) throw failure;
    }
  }
}

const missing = (path: string): InputError =>
  new InputError({
    code: "journal-missing",
    place: path,
    problem: "the journal is missing, although something was done under it before",
    cure: "restore it from a copy; without it the same thing could be done twice",
  });

const unknown = (path: string, problem: string): InputError =>
  new InputError({
    code: "journal-unknown",
    place: path,
    problem,
    cure: "restore it from a copy, or use the program version that wrote it",
  });

const foreign = (path: string, found: Uint8Array, wanted: Uint8Array): InputError =>
  new InputError({
    code: "journal-foreign",
    place: path,
    problem: `it belongs to ${shortHex(found)}, not to ${shortHex(wanted)}`,
    cure: "use the state folder that belongs to this contract",
  });

const damaged = (path: string, at: number, problem: string): InputError =>
  new InputError({
    code: "journal-damaged",
    place: `${path}: byte ${at}`,
    problem,
    cure: "restore the journal from a copy; its entries cannot be trusted from there on",
  });

const inUse = (path: string): InputError =>
  new InputError({
    code: "journal-in-use",
    place: path,
    problem: "another process has written to it",
    cure: "let only one process use this state folder, and start again",
  });

const unusable = (path: string): InputError =>
  new InputError({
    code: "disk-failing",
    place: path,
    problem: "an earlier entry could not be saved",
    cure: "check the disk, then start again",
  });

const shortHex = (bytes: Uint8Array): string =>
  bytes.length <= 8 ? bytesToHex(bytes) : `${bytesToHex(bytes.subarray(0, 8))}…`;
