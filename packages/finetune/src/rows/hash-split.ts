/** Which rows are for testing, by a hash of a key column: a row stays on its side whatever rows come or go, at every site. */
import { Sha256 } from "@bulkhead/compute";
import { badColumn, type DataRow } from "./data-row.ts";

export interface HashSplit {
  /** The column; rows with the same text in it stand on the same side. */
  readonly key: string;
  /** One row in so many is for testing, on average. */
  readonly oneIn: number;
  /** FNV-1a is enough against chance; with SHA-256 and a salt, whoever writes the rows cannot choose the side. */
  readonly hash: "fnv1a-32" | "sha256";
  readonly salt?: string;
}

export interface SplitRows {
  /** Places among the rows, in their order. */
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Throws an {@link InputError} that names the first row without the key. */
export const splitRows = (rows: readonly DataRow[], split: HashSplit): SplitRows => {
  const train: number[] = [];
  const test: number[] = [];
  for (const [i, row] of rows.entries())
    (isForTesting(keyOf(row, split.key, i), split) ? test : train).push(i);
  return { train, test };
};

/** Lone surrogates count as U+FFFD. */
export const isForTesting = (key: string, { hash, salt = "", oneIn }: HashSplit): boolean => {
  const bytes = new TextEncoder().encode(salt + key);
  return (hash === "sha256" ? firstWord(bytes) : fnv1a(bytes)) % oneIn === 0;
};

/** FNV-1a of 32 bits. */
export const fnv1a = (bytes: Uint8Array): number => {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
};

const firstWord = (bytes: Uint8Array): number => {
  const digest = new Sha256().update(bytes).digest();
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0);
};

const keyOf = (row: DataRow, column: string, index: number): string => {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (typeof value === "string" || typeof value === "number") return String(value);
  throw badColumn(column, index, "is missing or no text, and the split goes by it");
};
