/** RFC 6962, section 2.1 and 2.1.1, by their recursive definitions. */
import { createHash } from "node:crypto";

const hash = (...parts: readonly Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash("sha256").update(Buffer.concat(parts)).digest());

/** MTH of section 2.1. */
export const slowMerkleRoot = (leaves: readonly Uint8Array[]): Uint8Array => {
  if (leaves.length === 0) return hash();
  if (leaves.length === 1) return hash(Uint8Array.of(0), leaves[0]!);
  const k = splitOf(leaves.length);
  return hash(Uint8Array.of(1), slowMerkleRoot(leaves.slice(0, k)), slowMerkleRoot(leaves.slice(k)));
};

/** PATH of section 2.1.1. */
export const slowMerklePath = (leaves: readonly Uint8Array[], index: number): readonly Uint8Array[] => {
  if (leaves.length === 1) return [];
  const k = splitOf(leaves.length);
  return index < k
    ? [...slowMerklePath(leaves.slice(0, k), index), slowMerkleRoot(leaves.slice(k))]
    : [...slowMerklePath(leaves.slice(k), index - k), slowMerkleRoot(leaves.slice(0, k))];
};

/** The largest power of two below n. */
const splitOf = (n: number): number => 2 ** Math.floor(Math.log2(n - 1));
