/** Merkle trees as in Certificate Transparency (RFC 6962, section 2.1): leaves and nodes are hashed apart. */
import { equalBytes, invariant } from "@bulkhead/base";
import { HASH_LENGTH, sha256 } from "./hash.ts";

export interface MerkleTree {
  readonly root: Uint8Array;
  /** The siblings from the leaf up. */
  readonly path: (index: number) => readonly Uint8Array[];
}

/** Hashes every leaf and node once; the root of no leaves is the hash of nothing. */
export const merkleTree = (leaves: readonly Uint8Array[]): MerkleTree => treeOfHashes(leaves.map(merkleLeaf));

/** The same of leaves that are not at hand any more, by what {@link merkleLeaf} gave for each. */
export const treeOfHashes = (leaves: readonly Uint8Array[]): MerkleTree => {
  const levels = [[...leaves]];
  for (let level = levels[0]!; level.length > 1; levels.push(level)) level = levelAbove(level);
  return {
    root: levels.at(-1)![0] ?? sha256(),
    path: (index) => {
      invariant(Number.isInteger(index) && index >= 0 && index < leaves.length, "a leaf of this tree");
      return levels.flatMap((level, height) => level[Math.floor(index / 2 ** height) ^ 1] ?? []);
    },
  };
};

export const merkleRoot = (leaves: readonly Uint8Array[]): Uint8Array => merkleTree(leaves).root;

/** For one leaf; for several, {@link merkleTree} computes the tree once. */
export const merklePath = (leaves: readonly Uint8Array[], index: number): readonly Uint8Array[] =>
  merkleTree(leaves).path(index);

/** Whether `leaf` is leaf `index` of the tree of `size` leaves under `root` (RFC 9162, section 2.1.3.2). */
export const verifyMerklePath = (
  root: Uint8Array,
  leaf: Uint8Array,
  { index, size }: { readonly index: number; readonly size: number },
  path: readonly Uint8Array[],
): boolean => {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  if (path.some((sibling) => sibling.length !== HASH_LENGTH)) return false;
  const siblings = path.values();
  let hash = merkleLeaf(leaf);
  for (let i = index, last = size - 1; last > 0; i = Math.floor(i / 2), last = Math.floor(last / 2)) {
    if (i === last && i % 2 === 0) continue; // the last of an odd level stands alone and rises as it is
    const sibling = siblings.next();
    if (sibling.done === true) return false;
    hash = i % 2 === 1 ? nodeHash(sibling.value, hash) : nodeHash(hash, sibling.value);
  }
  return siblings.next().done === true && equalBytes(hash, root);
};

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

export const merkleLeaf = (leaf: Uint8Array): Uint8Array => sha256(LEAF, leaf);

const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(NODE, left, right);

const levelAbove = (level: readonly Uint8Array[]): Uint8Array[] =>
  Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => {
    const right = level[2 * i + 1];
    return right === undefined ? level[2 * i]! : nodeHash(level[2 * i]!, right);
  });
