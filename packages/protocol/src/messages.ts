/**
 * The wire on one page. The outer message is MessagePack and carries no meaning that is not checked; what is signed
 * stands inside it as `payload`, in the canonical encoding of the second half of this file.
 *
 * | stage | client → coordinator | coordinator → client |
 * |---|---|---|
 * | – | hello | plan (S0) |
 * | 1 advertise | advert | roster |
 * | 2 share | shares | inbox |
 * | 3 mask | chunks of the masked vector, masked | survivors |
 * | 4 agree | agree | quorum |
 * | 5 unmask | unmask | result, chunks of the sum |
 * | any | leave | received, excluded, void, waiting, finished |
 */
import {
  boundedBytes,
  fixedBytes,
  integer,
  listOf,
  oneOf,
  optional,
  rawBytes,
  record,
  sequence,
  struct,
  type CanonicalType,
  type TypeOf,
  u16,
  u32,
  u64,
  u8,
  varBytes,
  variant,
} from "@bulkhead/base";
import { PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH, SMALL_BOX_OVERHEAD } from "@bulkhead/crypto";
import { MAX_MEMBERS, memberId, memberIdCodec } from "@bulkhead/secagg";

const HASH = 32;
/** Depth of the commitment tree over two kinds of share for at most 255 holders. */
const LONGEST_PROOF = 9;
const LONGEST_SEALED_SHARES = 2 * (HASH + 4 + LONGEST_PROOF * HASH) + HASH + SMALL_BOX_OVERHEAD;
/** An unmask payload for 255 owners is the largest. */
export const LONGEST_PAYLOAD = MAX_MEMBERS * (2 + HASH + 4 + LONGEST_PROOF * HASH) + 64;

const round = integer(0, 2 ** 31);
const attempt = integer(0, 2 ** 16 - 1);
const signed = { payload: boundedBytes(LONGEST_PAYLOAD), signature: fixedBytes(SIGNATURE_LENGTH) };
const inAttempt = { round, attempt };
const sealed = boundedBytes(LONGEST_SEALED_SHARES);
const signedFrom = record({ from: memberId, ...signed });

/** Where a client stands, as it says itself after a new link; the coordinator sends what is missing there. */
export const clientPlace = oneOf(
  "awaiting-plan",
  "awaiting-roster",
  "awaiting-inbox",
  "awaiting-update",
  "masking",
  "awaiting-survivors",
  "awaiting-quorum",
  "awaiting-result",
  "applying",
);
export type ClientPlace = TypeOf<typeof clientPlace>;

/** Closed codes only: no free text leaves a client. */
export const leaveCode = oneOf(
  "stopped",
  "consent-withdrawn",
  "refused",
  "bad-share",
  "training-failed",
  "attempt-lost",
  "link-lost",
);
export type LeaveCode = TypeOf<typeof leaveCode>;

export const clientMessage = variant({
  hello: { ...inAttempt, place: clientPlace, applied: round, modelHash: fixedBytes(HASH) },
  advert: { ...inAttempt, ...signed },
  shares: { ...inAttempt, ...signed, sealed: listOf(record({ holder: memberId, box: sealed }), MAX_MEMBERS) },
  masked: { ...inAttempt, ...signed },
  agree: { ...inAttempt, ...signed },
  unmask: { ...inAttempt, ...signed },
  leave: { ...inAttempt, code: leaveCode, about: optional(memberId) },
});
export type ClientMessage = TypeOf<typeof clientMessage>;

/** Why an attempt ended without a sum; facts stay at the coordinator's log. */
export const voidCode = oneOf(
  "too-few-members",
  "masks-did-not-cancel",
  "reconstruction-failed",
  "waiting-for-member",
  "internal",
);
export type VoidCode = TypeOf<typeof voidCode>;

export const coordinatorMessage = variant({
  plan: { payload: boundedBytes(256), signature: fixedBytes(SIGNATURE_LENGTH) },
  roster: { ...inAttempt, adverts: listOf(signedFrom, MAX_MEMBERS) },
  inbox: { ...inAttempt, shares: listOf(record({ owner: memberId, ...signed, box: sealed }), MAX_MEMBERS) },
  /** After a new link: how much of this client's masked vector has arrived, so that it sends the rest. */
  received: { ...inAttempt, bytes: integer(0, Number.MAX_SAFE_INTEGER) },
  /** To one whose contribution of this attempt came too late: the round goes on without it. */
  excluded: { ...inAttempt },
  survivors: { ...inAttempt, trailers: listOf(signedFrom, MAX_MEMBERS) },
  quorum: {
    ...inAttempt,
    agreements: listOf(record({ from: memberId, signature: fixedBytes(SIGNATURE_LENGTH) }), MAX_MEMBERS),
  },
  result: {
    payload: boundedBytes(1024),
    signature: fixedBytes(SIGNATURE_LENGTH),
    agreements: listOf(record({ from: memberId, signature: fixedBytes(SIGNATURE_LENGTH) }), MAX_MEMBERS),
  },
  void: { ...inAttempt, code: voidCode },
  waiting: { ...inAttempt, members: listOf(memberId, MAX_MEMBERS) },
  finished: { code: oneOf("done", "failed") },
});
export type CoordinatorMessage = TypeOf<typeof coordinatorMessage>;

export type MessageOf<M extends { readonly type: string }, T extends M["type"]> = Extract<
  M,
  { readonly type: T }
>;

// ── what is signed ──────────────────────────────────────────────────────────

const hash = rawBytes(HASH);
const members = varBytes(MAX_MEMBERS);

/** S0, signed by the provider: all else follows from the contract and the round number. */
export const planPayload = struct({ round: u32, attempt: u16, contractHash: hash, modelHash: hash });
export type PlanPayload = CanonicalType<typeof planPayload>;

/** S1. `treeHead` is zeros while there is no ledger. */
export const advertPayload = struct({
  maskKey: rawBytes(PUBLIC_KEY_LENGTH),
  shareKey: rawBytes(PUBLIC_KEY_LENGTH),
  selfMaskCommitment: hash,
  treeHead: hash,
});
export type AdvertPayload = CanonicalType<typeof advertPayload>;

/** S2: the root over all shares of both secrets, and a digest of the sealed list as it was sent. */
export const sharesPayload = struct({ root: hash, listDigest: hash });
export type SharesPayload = CanonicalType<typeof sharesPayload>;

/** What a sealed box holds. */
export const sharesPlaintext = struct({
  selfMask: hash,
  maskKey: hash,
  selfMaskProof: sequence(hash, LONGEST_PROOF),
  maskKeyProof: sequence(hash, LONGEST_PROOF),
  treeHead: hash,
});
export type SharesPlaintext = CanonicalType<typeof sharesPlaintext>;

/** S3, after the last chunk. */
export const maskedPayload = struct({ byteLength: u64, digest: hash, sharersDigest: hash });
export type MaskedPayload = CanonicalType<typeof maskedPayload>;

/** S4. */
export const agreePayload = struct({ survivorsDigest: hash, trailersDigest: hash });

/** S5: for each owner one share, of one kind: 0 self mask, 1 mask key. */
export const unmaskPayload = struct({
  shares: sequence(
    struct({ owner: memberIdCodec, kind: u8, share: hash, proof: sequence(hash, LONGEST_PROOF) }),
    MAX_MEMBERS,
  ),
});
export type UnmaskPayload = CanonicalType<typeof unmaskPayload>;

/** S6, signed by the provider. */
export const resultPayload = struct({
  round: u32,
  attempt: u16,
  transcript: hash,
  survivors: members,
  trailersDigest: hash,
  sumDigest: hash,
  byteLength: u64,
});
export type ResultPayload = CanonicalType<typeof resultPayload>;
