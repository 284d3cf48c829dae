/**
 * Stage 3 [BIK+17, round 2], the first message on the critical path. Every client sends its update under one self mask
 * and one mask for each other sharer, in chunks, then a signed trailer; the coordinator folds whole uploads into the sum.
 * The vectors themselves pass by the machines: these see lengths and digests.
 */
import { decodeCanonical, encodeCanonical, equalBytes } from "@bulkhead/base";
import { byMember, maskingStreams, type MemberId } from "@bulkhead/secagg";
import { abort, type Aborted, type AwaitingPlan, complain, type InAttempt } from "../client-state.ts";
import { isSignedBy, type Signed, signPayload } from "../context.ts";
import { type Attempt, except, nameOf, toAll, tooFew, type Void, voidAttempt } from "../coordinator-state.ts";
import { type AttemptSecrets, pairMaskKeys, secretsToWipe, selfMaskKey } from "../keys.ts";
import {
  type ClientMessage,
  type CoordinatorMessage,
  type MaskedPayload,
  maskedPayload,
  type MessageOf,
} from "../messages.ts";
import type { Reason } from "../reasons.ts";
import type { ClientEffect, CoordinatorEffect, MaskStream, Step, UploadOutcome } from "../step.ts";
import type { Adverts } from "./1-advertise-keys.ts";
import {
  type AwaitingInbox,
  type CollectingShares,
  type Dealt,
  type HeldShares,
  inboxMessage,
  readInbox,
  secretsOf,
  sharersDigest,
} from "./2-share-keys.ts";

// ── client ──────────────────────────────────────────────────────────────────

/** From the inbox on: who shares (U2), and what is held for each of them. */
export interface Sharing extends InAttempt {
  readonly secrets: AttemptSecrets;
  readonly adverts: Adverts;
  readonly transcript: Uint8Array;
  readonly held: ReadonlyMap<MemberId, HeldShares>;
  readonly sharers: readonly MemberId[];
  readonly sharersDigest: Uint8Array;
}

/** Keys and shares are ready before the site has trained: the common case. */
export interface AwaitingUpdate extends Sharing {
  readonly stage: "awaiting-update";
}

export interface Masking extends Sharing {
  readonly stage: "masking";
}

export interface AwaitingSurvivors extends Sharing {
  readonly stage: "awaiting-survivors";
  /** How often the coordinator has asked for the end of the upload. */
  readonly resent: number;
}

export const onInbox = (
  state: AwaitingInbox,
  { shares }: MessageOf<CoordinatorMessage, "inbox">,
): Step<AwaitingUpdate | Masking | AwaitingPlan | Aborted, ClientEffect> => {
  const held = readInbox(state, shares);
  if ("code" in held) return held.code === "bad-share" ? complain(state, held.dealer) : abort(state, held);
  const { seat, update, context, secrets, sent, heard, adverts, transcript, openingKeys } = state;
  const sharers = [...held.keys()];
  return maskWhenTrained({
    stage: "awaiting-update",
    seat,
    update,
    context,
    secrets,
    toWipe: [...secretsToWipe(secrets), ...secretsOf(held.values()), ...openingKeys.values()],
    sent,
    heard,
    adverts,
    transcript,
    held,
    sharers,
    sharersDigest: sharersDigest(transcript, sharers),
  });
};

export const maskWhenTrained = (
  state: AwaitingUpdate,
): Step<AwaitingUpdate | Masking | AwaitingPlan, ClientEffect> => {
  if (state.update !== "ready") return { state, effects: [] };
  const streams = maskStreams(state);
  if ("weakKeyOf" in streams) return complain(state, streams.weakKeyOf);
  return {
    state: { ...state, stage: "masking" },
    effects: [{ type: "mask", ...nameOf(state.context), streams }],
  };
};

/** y = q + PRG(K_i) + Σ ± PRG(K_ij) over the other members of U2: only they can be unmasked later. */
const maskStreams = ({
  seat,
  secrets,
  adverts,
  transcript,
  sharers,
}: AwaitingUpdate): readonly MaskStream[] | { readonly weakKeyOf: MemberId } => {
  const keyWith = pairMaskKeys({ id: seat.id, secretKey: secrets.maskKeys.secretKey }, transcript);
  const streams: MaskStream[] = [];
  for (const stream of maskingStreams(seat.id, sharers)) {
    const key =
      stream.type === "self"
        ? selfMaskKey(secrets.selfMaskSeed, transcript, seat.id)
        : keyWith({ id: stream.peer, publicKey: adverts.get(stream.peer)!.maskKey });
    if (key === undefined) return { weakKeyOf: stream.type === "pair" ? stream.peer : seat.id };
    streams.push({ key, sign: stream.sign });
  }
  return streams;
};

export const onMasked = (
  state: Masking,
  { digest, byteLength }: { readonly digest: Uint8Array; readonly byteLength: number },
): Step<AwaitingSurvivors, ClientEffect> => {
  const { seat, context, transcript } = state;
  const payload = encodeCanonical(maskedPayload, { byteLength, digest, sharersDigest: state.sharersDigest });
  const signed = signPayload(
    { stage: "masked", context, transcript, from: seat.id },
    payload,
    seat.signingKey,
  );
  const sent: ClientMessage = { type: "masked", ...nameOf(context), ...signed };
  return {
    state: { ...state, stage: "awaiting-survivors", sent, resent: 0 },
    effects: [
      { type: "upload", ...nameOf(context), from: 0 },
      { type: "send", message: sent },
    ],
  };
};

// ── coordinator ─────────────────────────────────────────────────────────────

export interface Trailer extends MaskedPayload {
  readonly signed: Signed;
}

export interface CollectingInputs extends Attempt {
  readonly stage: "collecting-inputs";
  readonly adverts: Adverts;
  readonly transcript: Uint8Array;
  readonly dealt: ReadonlyMap<MemberId, Dealt>;
  readonly sharers: readonly MemberId[];
  readonly sharersDigest: Uint8Array;
  /** Trailers whose upload is being checked and added, or has been. */
  readonly trailers: ReadonlyMap<MemberId, Trailer>;
  /** Whose upload is in the sum. */
  readonly folded: ReadonlySet<MemberId>;
  /** Past the deadline: no new trailer, but what is being added must be waited for, since it will be in the sum. */
  readonly isClosing: boolean;
}

export const closeShares = (state: CollectingShares): Step<CollectingInputs | Void, CoordinatorEffect> => {
  const { context, plan, gone, complaints, adverts, transcript, dealt } = state;
  const { least, contract } = context.job;
  if (dealt.size < least) return voidAttempt(state, tooFew("shares", dealt.size, least));
  const sharers = [...dealt.keys()].sort(byMember);
  const next: CollectingInputs = {
    stage: "collecting-inputs",
    context,
    plan,
    gone,
    complaints,
    adverts,
    transcript,
    dealt,
    sharers,
    sharersDigest: sharersDigest(transcript, sharers),
    trailers: new Map(),
    folded: new Set(),
    isClosing: false,
  };
  return {
    state: next,
    effects: [
      ...sharers.map((to) => ({ type: "send", to, message: inboxMessage(next, to) }) as const),
      ...toAll(except(adverts.keys(), new Set(sharers)), { type: "excluded", ...nameOf(context) }),
      { type: "set-deadline", afterMs: contract.timing.trainMs },
    ],
  };
};

export const onMaskedInput = (
  state: CollectingInputs,
  from: MemberId,
  { payload, signature }: Signed,
): Step<CollectingInputs, CoordinatorEffect> | Reason => {
  if (state.isClosing || !state.sharers.includes(from) || state.trailers.has(from))
    return { code: "late-or-repeated", message: "masked" };
  const trailer = readTrailer(state, from, { payload, signature });
  if (trailer === undefined) return { code: "bad-signature", from, message: "masked" };
  if (!equalBytes(trailer.sharersDigest, state.sharersDigest)) return { code: "sharers-differ", from };
  if (trailer.byteLength !== state.context.job.layout.byteLength)
    return { code: "upload-mismatch", what: "length" };
  return {
    state: { ...state, trailers: new Map(state.trailers).set(from, trailer) },
    effects: [foldEffect(state, from, trailer)],
  };
};

export const foldEffect = (
  { context }: Attempt,
  from: MemberId,
  { digest, byteLength }: Trailer,
): CoordinatorEffect => ({
  type: "fold",
  ...nameOf(context),
  from,
  digest,
  byteLength,
});

/** The spool has checked an upload; one that did not match its trailer is asked for again. */
export const onFolded = (
  state: CollectingInputs,
  from: MemberId,
  outcome: UploadOutcome,
): Step<CollectingInputs, CoordinatorEffect> | Reason => {
  if (!state.trailers.has(from) || state.folded.has(from))
    return { code: "late-or-repeated", message: "fold" };
  if (outcome === "added")
    return { state: { ...state, folded: new Set(state.folded).add(from) }, effects: [] };
  const trailers = new Map(state.trailers);
  trailers.delete(from);
  return {
    state: { ...state, trailers },
    effects: [
      { type: "note", from, reason: { code: "upload-mismatch", what: outcome } },
      { type: "send-received", ...nameOf(state.context), to: from },
    ],
  };
};

export const hasAllInputs = ({ sharers, folded, trailers, gone, isClosing }: CollectingInputs): boolean =>
  folded.size === trailers.size && (isClosing || sharers.every((id) => folded.has(id) || gone.has(id)));

// ── both ────────────────────────────────────────────────────────────────────

export const readTrailer = (
  { context, transcript }: Pick<Sharing, "context" | "transcript">,
  from: MemberId,
  signed: Signed,
  known?: Signed,
): Trailer | undefined => {
  if (!isSignedBy({ stage: "masked", context, transcript, from }, signed, known)) return undefined;
  try {
    return { ...decodeCanonical(maskedPayload, signed.payload), signed };
  } catch {
    return undefined;
  }
};
