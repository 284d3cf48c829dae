/**
 * A parcel at the party that receives it. Each chunk is checked against the contract's name before it is kept, in order; what
 * a crash leaves is read again and gone on from. Sealed parcels lie encrypted, each chunk under its own nonce.
 */
import fs from "node:fs";
import { join } from "node:path";
import {
  bytesToHex,
  concatBytes,
  encodeFields,
  equalBytes,
  InputError,
  ShapeError,
  type Secret,
  u32ToBytes,
} from "@bulkhead/base";
import {
  deriveSecret,
  HASH_LENGTH,
  merkleLeaf,
  open,
  seal,
  treeOfHashes,
  verifyMerklePath,
} from "@bulkhead/crypto";
import { makeFolder } from "../file.ts";
import { type GrowingFile, openGrowingFile } from "../growing-file.ts";
import {
  type Chunk,
  CHUNK_LENGTH,
  chunksOf,
  leafCount,
  type ParcelFile,
  type ParcelName,
  chunkPlace,
  readList,
} from "./parcel-list.ts";

export interface ParcelStore {
  /** Where the parcel lies: a folder named by its root. */
  readonly folder: string;
  /** Once the list has come. */
  readonly files: () => readonly ParcelFile[] | undefined;
  /** The leaf that is to come next; all have come where it is `name.leaves`. */
  readonly next: () => number;
  /** `false` for a chunk that is not the next, or not what the name says: nothing is kept of it. */
  readonly take: (chunk: Chunk) => boolean;
  /** Bytes of a file that has come so far, checked. Throws an {@link InputError} (`artefact-damaged`). */
  readonly read: (file: string, at: number, length: number) => Uint8Array;
  readonly close: () => void;
}

const TAG_LENGTH = 16;
/** Chunks between two waits for the disk; a crash costs at most so many. */
const KEPT_EVERY = 64;

/**
 * Takes up what `cache` has of the parcel. With `siteSecret` it is sealed; the same secret opens it again, and without it
 * nothing of it is known again. Throws an {@link InputError} about the disk.
 */
export const openParcelStore = async (
  cache: string,
  name: ParcelName,
  siteSecret?: Secret,
): Promise<ParcelStore> => {
  const folder = join(cache, `${bytesToHex(name.root)}${siteSecret === undefined ? "" : ".sealed"}`);
  await makeFolder(folder);
  return new Store(folder, name, siteSecret && keyOf(name, siteSecret));
};

/** The parcel's alone: its chunks never share a nonce with another's. */
const keyOf = ({ root }: ParcelName, secret: Secret): Secret =>
  deriveSecret({ secret, salt: root, info: encodeFields("bulkhead parcel at rest 1") });

class Store implements ParcelStore {
  readonly folder: string;
  readonly #name: ParcelName;
  readonly #key: Secret | undefined;
  /** Of each leaf that has come, its hash. */
  readonly #hashes: Uint8Array[] = [];
  readonly #hashFile: GrowingFile;
  readonly #list: GrowingFile;
  #files: readonly ParcelFile[] | undefined;
  readonly #open = new Map<string, GrowingFile>();

  constructor(folder: string, name: ParcelName, key: Secret | undefined) {
    this.folder = folder;
    this.#name = name;
    this.#key = key;
    this.#hashFile = openGrowingFile(join(folder, ".leaves"));
    this.#list = openGrowingFile(join(folder, ".list"));
    this.#takeUp();
  }

  files(): readonly ParcelFile[] | undefined {
    return this.#files;
  }

  next(): number {
    return this.#hashes.length;
  }

  take({ index, bytes, path }: Chunk): boolean {
    const { root, leaves } = this.#name;
    if (index !== this.next() || index >= leaves) return false;
    if (!verifyMerklePath(root, bytes, { index, size: leaves }, path)) return false;
    if (index === 0 && !this.#learn(bytes)) return false;
    this.#fileOf(index).append(this.#sealed(index, bytes));
    const hash = merkleLeaf(bytes);
    this.#hashFile.append(hash);
    this.#hashes.push(hash);
    if (this.next() % KEPT_EVERY === 0 || this.next() === leaves) this.#keep();
    // The list tells which files are of the parcel; what stood in them before it came is none of it.
    if (index === 0 || this.#isOther()) this.#cut();
    return true;
  }

  read(name: string, at: number, length: number): Uint8Array {
    const file = (this.#files ?? []).findIndex((each) => each.name === name);
    const parts: Uint8Array[] = [];
    for (let done = 0; done < length;) {
      const leaf = this.#leafAt(file, at + done);
      const bytes = leaf === undefined ? undefined : this.#leaf(leaf);
      if (bytes === undefined) throw damaged(join(this.folder, name));
      const within = (at + done) % CHUNK_LENGTH;
      const part = bytes.subarray(within, within + length - done);
      parts.push(part);
      done += part.length;
    }
    return concatBytes(...parts);
  }

  close(): void {
    for (const file of [this.#hashFile, this.#list, ...this.#open.values()]) file.close();
    this.#key?.wipe();
  }

  /** Of a file, which leaf holds this byte, if it has come. */
  #leafAt(file: number, at: number): number | undefined {
    const files = this.#files;
    if (files?.[file] === undefined || at >= files[file].size) return undefined;
    const leaf = leafCount(files.slice(0, file)) + Math.floor(at / CHUNK_LENGTH);
    return leaf < this.next() ? leaf : undefined;
  }

  /** `undefined` where what lies there is not what came. */
  #leaf(leaf: number): Uint8Array | undefined {
    const { at, length } = this.#storedAt(leaf);
    const stored = this.#fileOf(leaf).read(at, length);
    const bytes = this.#key === undefined ? stored : open(this.#key, nonceOf(leaf), stored, NO_DATA);
    return bytes !== undefined && equalBytes(merkleLeaf(bytes), this.#hashes[leaf]!) ? bytes : undefined;
  }

  #sealed(leaf: number, bytes: Uint8Array): Uint8Array {
    return this.#key === undefined ? bytes : seal(this.#key, nonceOf(leaf), bytes, NO_DATA);
  }

  #storedAt(leaf: number): { readonly at: number; readonly length: number } {
    const overhead = this.#key === undefined ? 0 : TAG_LENGTH;
    if (leaf === 0) return { at: 0, length: this.#list.length };
    const { at, length } = chunkPlace(this.#files!, leaf);
    return { at: at + (at / CHUNK_LENGTH) * overhead, length: length + overhead };
  }

  #fileOf(leaf: number): GrowingFile {
    if (leaf === 0) return this.#list;
    return this.#named(this.#files![chunkPlace(this.#files!, leaf).file]!.name);
  }

  /** The files before their hashes: a hash without its chunk is a chunk that is asked for again. */
  #keep(): void {
    for (const file of [this.#list, ...this.#open.values(), this.#hashFile]) file.keep();
  }

  /** Up to the first leaf that is not whole; of that and all behind it nothing is left. */
  #takeUp(): void {
    const claimed = Math.min(Math.floor(this.#hashFile.length / HASH_LENGTH), this.#name.leaves);
    while (this.next() < claimed) {
      const leaf = this.next();
      this.#hashes.push(this.#hashFile.read(leaf * HASH_LENGTH, HASH_LENGTH));
      const bytes = this.#leaf(leaf);
      if (bytes !== undefined && (leaf > 0 || this.#learn(bytes))) continue;
      this.#hashes.pop();
      break;
    }
    this.#isOther();
    this.#cut();
  }

  /** Takes the list of files, and makes those that are empty; `false` for what is no list of this parcel. */
  #learn(bytes: Uint8Array): boolean {
    try {
      this.#files = readList(bytes, this.#name.leaves);
    } catch (error) {
      if (error instanceof ShapeError) return false;
      throw error;
    }
    for (const { name, size } of this.#files) if (size === 0) this.#named(name);
    return true;
  }

  /** Whether all has come and is another parcel after all, as a disk may have it that lost bytes; nothing is left of it then. */
  #isOther(): boolean {
    if (this.next() < this.#name.leaves || equalBytes(treeOfHashes(this.#hashes).root, this.#name.root))
      return false;
    this.#hashes.length = 0;
    return true;
  }

  #cut(): void {
    const leaves = this.next();
    cutTo(this.#hashFile, leaves * HASH_LENGTH);
    const overhead = this.#key === undefined ? 0 : TAG_LENGTH;
    for (const [index, file] of (this.#files ?? []).entries()) {
      const first = leafCount(this.#files!.slice(0, index));
      const whole = Math.max(0, Math.min(leaves - first, chunksOf(file)));
      if (whole > 0 || fs.existsSync(join(this.folder, file.name)))
        cutTo(this.#named(file.name), Math.min(file.size, whole * CHUNK_LENGTH) + whole * overhead);
    }
    if (leaves > 0) return;
    cutTo(this.#list, 0);
    this.#files = undefined;
  }

  #named(name: string): GrowingFile {
    const file = this.#open.get(name) ?? openGrowingFile(join(this.folder, name));
    this.#open.set(name, file);
    return file;
  }
}

/** What a crash has left behind the end. */
const cutTo = (file: GrowingFile, length: number): void => {
  if (file.length > length) file.cut(length);
};

/** One key seals one parcel, whose root fixes what stands at a leaf: a nonce that comes again seals the same bytes. */
const nonceOf = (leaf: number): Uint8Array => concatBytes(u32ToBytes(leaf), new Uint8Array(8));
const NO_DATA = new Uint8Array(0);

const damaged = (place: string): InputError =>
  new InputError({
    code: "artefact-damaged",
    place,
    problem: "it is not, or not all of, what the contract names",
    cure: "start again: what is missing is fetched",
  });
