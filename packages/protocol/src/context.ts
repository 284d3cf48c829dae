/**
 * The context of one attempt: everything that two parties must agree on before their masks can cancel. It stands in
 * every signature and key derivation of the attempt, so a party that was told something else forms no sum.
 */
import { concatBytes, encodeFields, equalBytes, u16, u32 } from "@bulkhead/base";
import { hashFields, sha256, sign, verify } from "@bulkhead/crypto";
import type { Secret } from "@bulkhead/base";
import type { MemberId } from "@bulkhead/secagg";
import type { Job } from "./job.ts";

/** X25519, ChaCha20, Ed25519, SHA-256. */
const SUITE = "x25519-chacha20-ed25519-sha256";

export interface AttemptName {
  readonly round: number;
  readonly attempt: number;
}

export interface AttemptContext extends AttemptName {
  readonly job: Job;
  readonly modelHash: Uint8Array;
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

export const attemptContext = (job: Job, name: AttemptName, modelHash: Uint8Array): AttemptContext => {
  const bytes = encodeFields(
    "bulkhead/1",
    SUITE,
    job.contract.job,
    job.contractHash,
    planHash(job, name.round),
    modelHash,
    job.rosterHash,
    u32.write(name.round),
    u16.write(name.attempt),
    u16.write(0),
  );
  return { ...name, job, modelHash, bytes, hash: sha256(bytes) };
};

/** What the contract says of this round; each side works it out for itself. */
const planHash = ({ contractHash, layout, threshold, least }: Job, round: number): Uint8Array =>
  hashFields(
    "bulkhead/1 plan",
    contractHash,
    u32.write(round),
    concatBytes(u32.write(threshold), u32.write(least), u32.write(layout.laneBits)),
    ...layout.segmentLanes.map((lanes) => u32.write(lanes)),
  );

/** The client messages that are signed. */
export type SignedStage = "advert" | "shares" | "masked" | "agree" | "unmask" | "leave";

/** A payload in canonical encoding with the sender's signature; the raw bytes are verified before they are decoded. */
export interface Signed {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

/** What a signature is bound to. `transcript` is T1, or 32 zeros before it exists. */
export interface SigningPlace {
  readonly stage: SignedStage;
  readonly context: AttemptContext;
  readonly transcript: Uint8Array;
  readonly from: MemberId;
}

export const NO_TRANSCRIPT: Uint8Array = new Uint8Array(32);

const signedHash = ({ stage, context, transcript, from }: SigningPlace, payload: Uint8Array): Uint8Array =>
  hashFields("bulkhead/1 msg", stage, context.bytes, transcript, Uint8Array.of(from), payload);

export const signPayload = (place: SigningPlace, payload: Uint8Array, secretKey: Secret): Signed => ({
  payload,
  signature: sign(secretKey, signedHash(place, payload)),
});

/**
 * Whether `from`, under its pinned key, signed exactly this payload at exactly this place. `known` is what this side has
 * signed or verified at the same place before: the same bytes again need no second look.
 */
export const isSignedBy = (place: SigningPlace, { payload, signature }: Signed, known?: Signed): boolean => {
  if (known !== undefined && equalBytes(known.payload, payload) && equalBytes(known.signature, signature))
    return true;
  const member = place.context.job.memberById.get(place.from);
  return member !== undefined && verify(member.publicKey, signedHash(place, payload), signature);
};
