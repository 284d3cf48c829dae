/**
 * The owner's commitment to every share it deals (protocol.md S2): a Merkle root, signed in its message, over one leaf
 * for each holder and kind. Each holder gets the paths of its own two shares, and a wrong share, dealt or returned,
 * has a name. Leaves are hashes of 32 random bytes and more, so that root and paths tell nothing of the shares.
 */
import { encodeCanonical, invariant } from "@bulkhead/base";
import { hashFields, merkleTree, verifyMerklePath } from "@bulkhead/crypto";
import { type MemberId, memberIdCodec } from "./member.ts";
import type { Share } from "./shamir.ts";

/** `self-mask`: of the seed of the mask that a member adds alone; `mask-key`: of the root of its pair masks' key. */
export type ShareKind = "self-mask" | "mask-key";

/** In the order of the leaves of one holder. */
const KINDS: readonly ShareKind[] = ["self-mask", "mask-key"];

export interface ShareCommitment {
  readonly root: Uint8Array;
  /** Throws for one who holds no share. */
  readonly proofOf: (holder: MemberId, kind: ShareKind) => readonly Uint8Array[];
}

/** Shares of both kinds for the same holders, in ascending order of holder. */
export interface DealtShares {
  readonly selfMask: readonly Share[];
  readonly maskKey: readonly Share[];
}

export const commitShares = (
  context: Uint8Array,
  owner: MemberId,
  { selfMask, maskKey }: DealtShares,
): ShareCommitment => {
  const holders = selfMask.map(({ holder }) => holder);
  invariant(isAscending(holders), "shares are dealt in ascending order of holder");
  invariant(
    maskKey.length === holders.length && maskKey.every(({ holder }, i) => holder === holders[i]),
    "both kinds of share have the same holders",
  );
  const tree = merkleTree(
    holders.flatMap((holder, i) => [
      leaf({ context, owner, holder, kind: "self-mask", share: selfMask[i]!.bytes }),
      leaf({ context, owner, holder, kind: "mask-key", share: maskKey[i]!.bytes }),
    ]),
  );
  return {
    root: tree.root,
    proofOf: (holder, kind) => {
      invariant(holders.includes(holder), "a proof is for one who holds a share");
      return tree.path(leafIndex(holders, holder, kind));
    },
  };
};

interface CommittedShare {
  readonly context: Uint8Array;
  readonly owner: MemberId;
  readonly holder: MemberId;
  readonly kind: ShareKind;
  readonly share: Uint8Array;
}

export interface ShareClaim extends CommittedShare {
  /** All who were dealt shares, in ascending order. */
  readonly holders: readonly MemberId[];
  readonly proof: readonly Uint8Array[];
}

/** Whether `share` is what the owner of `root` dealt to that holder, of that kind, in that context. */
export const verifyShare = (root: Uint8Array, claim: ShareClaim): boolean =>
  isAscending(claim.holders) &&
  claim.holders.includes(claim.holder) &&
  verifyMerklePath(
    root,
    leaf(claim),
    {
      index: leafIndex(claim.holders, claim.holder, claim.kind),
      size: KINDS.length * claim.holders.length,
    },
    claim.proof,
  );

const leaf = ({ context, owner, holder, kind, share }: CommittedShare): Uint8Array =>
  hashFields(
    "share",
    context,
    encodeCanonical(memberIdCodec, owner),
    encodeCanonical(memberIdCodec, holder),
    kind,
    share,
  );

const leafIndex = (holders: readonly MemberId[], holder: MemberId, kind: ShareKind): number =>
  KINDS.length * holders.indexOf(holder) + KINDS.indexOf(kind);

const isAscending = (members: readonly MemberId[]): boolean =>
  members.every((member, i) => i === 0 || members[i - 1]! < member);
