import { Secret, utf8 } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  commitShares,
  memberId,
  type Share,
  type ShareClaim,
  type ShareKind,
  splitSecret,
  verifyShare,
} from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { slowMerkleRoot } from "../reference/merkle.ts";

const CONTEXT = sha256(utf8("context"));
const OWNER = memberId(7);
const KINDS: readonly ShareKind[] = ["self-mask", "mask-key"];

const dealt = (
  count: number,
): { readonly selfMask: readonly Share[]; readonly maskKey: readonly Share[] } => {
  const holders = Array.from({ length: count }, (_, i) => memberId(2 * i + 1));
  const share = (name: string) =>
    splitSecret(new Secret(sha256(utf8(name))), {
      threshold: Math.ceil(count / 2),
      holders,
      seed: new Secret(sha256(utf8(`${name} seed`))),
    });
  return { selfMask: share("self"), maskKey: share("key") };
};

const claims = (count: number): { readonly root: Uint8Array; readonly claims: readonly ShareClaim[] } => {
  const shares = dealt(count);
  const { root, proofOf } = commitShares(CONTEXT, OWNER, shares);
  const holders = shares.selfMask.map(({ holder }) => holder);
  return {
    root,
    claims: KINDS.flatMap((kind) =>
      (kind === "self-mask" ? shares.selfMask : shares.maskKey).map(({ holder, bytes }) => ({
        context: CONTEXT,
        owner: OWNER,
        holder,
        kind,
        share: bytes,
        holders,
        proof: proofOf(holder, kind),
      })),
    ),
  };
};

test.each([1, 2, 3, 4, 5, 7, 8, 33, 128])(
  "every share dealt to %i holders verifies, in its own place only",
  (count) => {
    const given = claims(count);
    for (const claim of given.claims) {
      expect(verifyShare(given.root, claim)).toBe(true);
      const other: ShareKind = claim.kind === "self-mask" ? "mask-key" : "self-mask";
      expect(verifyShare(given.root, { ...claim, kind: other })).toBe(false);
    }
  },
);

test("the root is the Merkle root over the hashed fields, by holder and then by kind", () => {
  const shares = dealt(3);
  const field = (bytes: Uint8Array) => [0, 0, 0, bytes.length, ...bytes];
  const leaf = (holder: number, kind: ShareKind, share: Uint8Array) =>
    sha256(
      Uint8Array.from(
        [utf8("share"), CONTEXT, Uint8Array.of(7), Uint8Array.of(holder), utf8(kind), share].flatMap(field),
      ),
    );
  const leaves = [1, 3, 5].flatMap((holder, i) => [
    leaf(holder, "self-mask", shares.selfMask[i]!.bytes),
    leaf(holder, "mask-key", shares.maskKey[i]!.bytes),
  ]);
  expect(commitShares(CONTEXT, OWNER, shares).root).toEqual(slowMerkleRoot(leaves));
});

describe("a share is refused", () => {
  const { root, claims: given } = claims(5);
  const claim = given[3]!;
  const flipped = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
  const WRONG: Readonly<Record<string, Partial<ShareClaim>>> = {
    "with a bit flipped": { share: flipped(claim.share) },
    "cut short": { share: claim.share.subarray(1) },
    "of another context": { context: flipped(CONTEXT) },
    "of another owner": { owner: memberId(8) },
    "of another holder": { holder: memberId(5) },
    "of one who holds none": { holder: memberId(2) },
    "with a proof for another": { proof: given[2]!.proof },
    "with a proof cut short": { proof: claim.proof.slice(1) },
    "with a proof too long": { proof: [...claim.proof, new Uint8Array(32)] },
    "with a proof of short hashes": { proof: claim.proof.map((hash) => hash.subarray(1)) },
    "among fewer holders": { holders: claim.holders.slice(0, 4) },
    "among holders out of order": { holders: claim.holders.toReversed() },
    "among holders told twice": { holders: [...claim.holders, claim.holders.at(-1)!] },
  };

  test.each(Object.keys(WRONG))("%s", (name) => {
    expect(verifyShare(root, claim)).toBe(true);
    expect(verifyShare(root, { ...claim, ...WRONG[name] })).toBe(false);
  });

  test("under another root", () => {
    expect(verifyShare(flipped(root), claim)).toBe(false);
  });
});

test("an owner deals both kinds to the same holders, in order", () => {
  const { selfMask, maskKey } = dealt(4);
  expect(() => commitShares(CONTEXT, OWNER, { selfMask, maskKey: maskKey.slice(1) })).toThrow("same holders");
  expect(() =>
    commitShares(CONTEXT, OWNER, { selfMask: selfMask.toReversed(), maskKey: maskKey.toReversed() }),
  ).toThrow("ascending");
  expect(() => commitShares(CONTEXT, OWNER, { selfMask, maskKey }).proofOf(memberId(2), "self-mask")).toThrow(
    "who holds a share",
  );
});
