import { bytesToHex, concatBytes } from "@bulkhead/base";
import { merklePath, merkleRoot, merkleTree, randomBytes, sha256, verifyMerklePath } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowMerklePath, slowMerkleRoot } from "../reference/merkle.ts";
import { hex } from "../vectors/hex.ts";
import { LEAVES, ROOTS } from "../vectors/rfc-6962.ts";

const leavesOf = (count: number): readonly Uint8Array[] =>
  Array.from({ length: count }, () => randomBytes(8));

describe("Merkle roots", () => {
  test("are those of Certificate Transparency for one to eight leaves", () => {
    const leaves = LEAVES.map(hex);
    expect(ROOTS.map((_, i) => bytesToHex(merkleRoot(leaves.slice(0, i + 1))))).toEqual(ROOTS);
  });

  test("of no leaves is the hash of nothing", () => {
    expect(merkleRoot([])).toEqual(sha256());
  });

  test("and paths are those of the recursive definition, for every size to 24", () => {
    for (let size = 1; size <= 24; size++) {
      const leaves = leavesOf(size);
      const tree = merkleTree(leaves);
      expect(tree.root).toEqual(slowMerkleRoot(leaves));
      for (let i = 0; i < size; i++) expect(tree.path(i)).toEqual(slowMerklePath(leaves, i));
    }
  });
});

describe("Merkle paths", () => {
  test("prove every leaf of every size to 70, and of 510", () => {
    for (const size of [...Array.from({ length: 70 }, (_, i) => i + 1), 510]) {
      const leaves = leavesOf(size);
      const { root, path } = merkleTree(leaves);
      for (const [index, leaf] of leaves.entries())
        expect(verifyMerklePath(root, leaf, { index, size }, path(index))).toBe(true);
    }
  });

  test("of a single call are those of the tree", () => {
    const leaves = leavesOf(11);
    expect(merklePath(leaves, 6)).toEqual(merkleTree(leaves).path(6));
    expect(merkleRoot(leaves)).toEqual(merkleTree(leaves).root);
  });

  test("prove no other leaf, index, size, root or path", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), fc.nat(), (size, pick, other) => {
        const leaves = leavesOf(size);
        const { root, path } = merkleTree(leaves);
        const index = pick % size;
        const proof = path(index);
        const [leaf, at] = [leaves[index]!, { index, size }];
        expect(verifyMerklePath(root, randomBytes(8), at, proof)).toBe(false);
        expect(verifyMerklePath(randomBytes(32), leaf, at, proof)).toBe(false);
        if (other % size !== index)
          expect(verifyMerklePath(root, leaf, { index: other % size, size }, proof)).toBe(false);
        expect(verifyMerklePath(root, leaf, at, [...proof, randomBytes(32)])).toBe(false);
        if (proof.length > 0) expect(verifyMerklePath(root, leaf, at, proof.slice(1))).toBe(false);
        if (proof.length > 0) expect(verifyMerklePath(root, leaf, at, proof.slice(0, -1))).toBe(false);
      }),
    );
  });

  test("of wrong shape are refused without a throw", () => {
    const leaves = leavesOf(3);
    const { root, path } = merkleTree(leaves);
    const check = (index: number, size: number, siblings: readonly Uint8Array[]) =>
      verifyMerklePath(root, leaves[0]!, { index, size }, siblings);
    expect(check(0, 3, path(0))).toBe(true);
    for (const [index, size] of [
      [-1, 3],
      [3, 3],
      [0, 0],
      [0.5, 3],
      [0, Number.NaN],
      [0, Number.POSITIVE_INFINITY],
      [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    ] as const)
      expect(check(index, size, path(0))).toBe(false);
    expect(check(0, 3, [path(0)[0]!.slice(1), path(0)[1]!])).toBe(false);
    expect(check(0, 3, [])).toBe(false);
    expect(verifyMerklePath(new Uint8Array(0), leaves[0]!, { index: 0, size: 3 }, path(0))).toBe(false);
  });

  test("of a leaf that is not there are a bug and throw", () => {
    const { path } = merkleTree(leavesOf(3));
    for (const index of [-1, 3, 0.5, Number.NaN]) expect(() => path(index)).toThrow("leaf");
    expect(() => merklePath([], 0)).toThrow("leaf");
  });
});

describe("second preimages", () => {
  test("an inner node does not pass as a leaf", () => {
    const leaves = leavesOf(4);
    const { root, path } = merkleTree(leaves);
    const below = [leaves[0]!, leaves[1]!].map((leaf) => sha256(Uint8Array.of(0), leaf));
    expect(verifyMerklePath(root, concatBytes(...below), { index: 0, size: 2 }, path(0).slice(1))).toBe(
      false,
    );
  });

  test("doubling the last leaf changes the root", () => {
    const leaves = leavesOf(3);
    expect(merkleRoot([...leaves, leaves[2]!])).not.toEqual(merkleRoot(leaves));
  });
});
