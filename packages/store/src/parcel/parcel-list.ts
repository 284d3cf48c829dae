/**
 * A parcel: files that one party sends another in chunks, named together by a Merkle root (RFC 6962). Leaf 0 is the list of
 * files, the others are their chunks in order, so that whoever knows the name can check each piece alone.
 */
import {
  decodeCanonical,
  encodeCanonical,
  invariant,
  sequence,
  ShapeError,
  struct,
  u64,
  varText,
} from "@bulkhead/base";

/** What a contract says of it. */
export interface ParcelName {
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** Leaves of the tree: the list and all chunks. */
  readonly leaves: number;
}

export interface ParcelFile {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** A leaf as it travels. */
export interface Chunk {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** The siblings from the leaf up. */
  readonly path: readonly Uint8Array[];
}

export const CHUNK_LENGTH = 2 ** 20;
const MOST_FILES = 1024;
const LONGEST_NAME = 200;
/** Sixteen terabytes. */
const MOST_LEAVES = 2 ** 24;

const fileList = sequence(struct({ name: varText(LONGEST_NAME), size: u64 }), MOST_FILES);

export const listBytes = (files: readonly ParcelFile[]): Uint8Array => {
  invariant(problemOf(files) === undefined, "files with names of their own, in order");
  return encodeCanonical(fileList, files);
};

/** Throws a {@link ShapeError} for all else than a list that {@link listBytes} made for so many leaves. */
export const readList = (bytes: Uint8Array, leaves: number): readonly ParcelFile[] => {
  const files = decodeCanonical(fileList, bytes);
  const problem = problemOf(files);
  if (problem !== undefined) throw new ShapeError("files", problem);
  if (leafCount(files) !== leaves) throw new ShapeError("files", `${leaves} leaves in all`);
  return files;
};

/** Names are names in one folder, on every system; sorted, so that equal files have equal lists. */
const problemOf = (files: readonly ParcelFile[]): string | undefined => {
  if (files.length === 0) return "at least one file";
  if (!files.every(({ name }) => /^[\w-][\w.-]*$/u.test(name))) return "names of files";
  if (files.some(({ name }, i) => i > 0 && files[i - 1]!.name >= name)) return "names in order";
  return leafCount(files) > MOST_LEAVES ? `at most ${MOST_LEAVES} chunks` : undefined;
};

/** An empty file has no chunk. */
export const chunksOf = ({ size }: ParcelFile): number => Math.ceil(size / CHUNK_LENGTH);

export const leafCount = (files: readonly ParcelFile[]): number =>
  files.reduce((count, file) => count + chunksOf(file), 1);

export interface ChunkPlace {
  /** In the list. */
  readonly file: number;
  /** Within the file, in bytes. */
  readonly at: number;
  readonly length: number;
}

/** Where a leaf's bytes stand; not for leaf 0. */
export const chunkPlace = (files: readonly ParcelFile[], leaf: number): ChunkPlace => {
  let first = 1;
  for (const [file, each] of files.entries()) {
    const chunks = chunksOf(each);
    const at = (leaf - first) * CHUNK_LENGTH;
    if (leaf < first + chunks) return { file, at, length: Math.min(CHUNK_LENGTH, each.size - at) };
    first += chunks;
  }
  throw new RangeError(`leaf ${leaf} of a parcel of ${first}`);
};
