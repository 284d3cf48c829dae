/**
 * Stage 5 [BIK+17, round 4], last on the critical path. Under a quorum every survivor releases one share for each
 * sharer: of the self-mask seed of those who delivered, of the mask-key root of those who did not, never both; with
 * these the coordinator takes the masks off the sum, and off nothing else.
 */
import { decodeCanonical, encodeCanonical, equalBytes, type Secret } from "@bulkhead/base";
import {
  combineShares,
  type MemberId,
  type Share,
  type ShareKind,
  unmaskingStreams,
  verifyShare,
} from "@bulkhead/secagg";
import { abort, type Aborted, type InAttempt, withEntry } from "../client-state.ts";
import { isSignedBy, type Signed, signPayload } from "../context.ts";
import { type Attempt, except, nameOf, toAll, tooFew, type Void, voidAttempt } from "../coordinator-state.ts";
import { maskKeysOf, pairMaskKeys, selfMaskCommitment, selfMaskKey } from "../keys.ts";
import {
  type ClientMessage,
  type CoordinatorMessage,
  type MessageOf,
  type UnmaskPayload,
  unmaskPayload,
} from "../messages.ts";
import type { Reason } from "../reasons.ts";
import type { ClientEffect, ClientEntry, CoordinatorEffect, MaskStream, Step } from "../step.ts";
import type { Adverts } from "./1-advertise-keys.ts";
import type { Dealt } from "./2-share-keys.ts";
import type { Trailer } from "./3-masked-input.ts";
import {
  type Agreed,
  type Agreements,
  type AwaitingQuorum,
  type CollectingAgreements,
  isHopeless,
  validAgreements,
  waitFor,
} from "./4-agree.ts";

/** The only kind of share that this set of survivors lets anyone release for `owner`. */
const kindFor = (owner: MemberId, survivors: readonly MemberId[]): ShareKind =>
  survivors.includes(owner) ? "self-mask" : "mask-key";

const KINDS: readonly ShareKind[] = ["self-mask", "mask-key"];

// ── client ──────────────────────────────────────────────────────────────────

export interface AwaitingResult extends InAttempt {
  readonly stage: "awaiting-result";
  readonly transcript: Uint8Array;
  readonly agreed: Agreed;
  /** The quorum, verified: the result comes with the same signatures. */
  readonly quorum: Agreements;
}

/** Releases shares once, for the set that it signed itself, and only under a quorum of signatures over that very set. */
export const onQuorum = (
  state: AwaitingQuorum,
  { agreements }: MessageOf<CoordinatorMessage, "quorum">,
): Step<AwaitingResult | Aborted, ClientEffect> => {
  const { context, transcript, agreed, seat, update, heard, toWipe } = state;
  const own = state.sent.type === "agree" ? [[seat.id, state.sent.signature] as const] : [];
  const quorum = validAgreements({ context, transcript }, agreed, agreements, new Map(own));
  const needed = seat.job.threshold;
  if (quorum.size < needed) return abort(state, { code: "no-quorum", valid: quorum.size, needed });
  const payload = encodeCanonical(unmaskPayload, { shares: revealedShares(state) });
  const signed = signPayload(
    { stage: "unmask", context, transcript, from: seat.id },
    payload,
    seat.signingKey,
  );
  const sent: ClientMessage = { type: "unmask", ...nameOf(context), ...signed };
  const entry: ClientEntry = { type: "revealed", ...nameOf(context) };
  return {
    state: {
      stage: "awaiting-result",
      seat: withEntry(seat, entry),
      update,
      context,
      toWipe: [],
      sent,
      heard,
      transcript,
      agreed,
      quorum,
    },
    effects: [
      { type: "persist", entry },
      { type: "send", message: sent },
      { type: "forget-secrets", secrets: toWipe },
      { type: "drop-vector" },
    ],
  };
};

const revealedShares = ({ held, agreed }: AwaitingQuorum): UnmaskPayload["shares"] =>
  [...held].map(([owner, shares]) => {
    const kind = kindFor(owner, agreed.survivors);
    return kind === "self-mask"
      ? { owner, kind: KINDS.indexOf(kind), share: shares.selfMask.reveal(), proof: shares.selfMaskProof }
      : { owner, kind: KINDS.indexOf(kind), share: shares.maskKey.reveal(), proof: shares.maskKeyProof };
  });

// ── coordinator ─────────────────────────────────────────────────────────────

export interface CollectingReveals extends Attempt {
  readonly stage: "collecting-reveals";
  readonly adverts: Adverts;
  readonly transcript: Uint8Array;
  readonly dealt: ReadonlyMap<MemberId, Dealt>;
  readonly sharers: readonly MemberId[];
  readonly survivors: readonly MemberId[];
  readonly trailers: ReadonlyMap<MemberId, Trailer>;
  readonly agreements: ReadonlyMap<MemberId, Uint8Array>;
  /** Verified shares by holder, each holder's in the order of the sharers. */
  readonly revealed: ReadonlyMap<MemberId, readonly Uint8Array[]>;
  readonly isWaiting: boolean;
}

export const closeAgreements = (
  state: CollectingAgreements,
): Step<CollectingAgreements | CollectingReveals | Void, CoordinatorEffect> => {
  const { context, plan, gone, complaints, adverts, transcript, dealt, sharers, survivors, agreements } =
    state;
  const { threshold, contract } = context.job;
  if (agreements.size >= threshold) {
    const next: CollectingReveals = {
      stage: "collecting-reveals",
      context,
      plan,
      gone,
      complaints,
      adverts,
      transcript,
      dealt,
      sharers,
      survivors,
      agreements,
      trailers: state.trailers,
      revealed: new Map(),
      isWaiting: false,
    };
    return {
      state: next,
      effects: [
        // To those who have signed: one that has not even seen the survivors would take a quorum for an attack.
        ...toAll(agreements.keys(), quorumMessage(next)),
        { type: "set-deadline", afterMs: contract.timing.stageMs },
      ],
    };
  }
  if (isHopeless(state)) return voidAttempt(state, tooFew("agreements", 0, threshold));
  return {
    state: { ...state, isWaiting: true },
    effects: waitFor(state, except(survivors, new Set(agreements.keys()))),
  };
};

/** A survivor that signs when the quorum is complete is told of it, since its shares may be needed. */
export const onLateAgree = (
  state: CollectingReveals,
  from: MemberId,
): Step<CollectingReveals, CoordinatorEffect> | Reason =>
  state.survivors.includes(from) && !state.agreements.has(from)
    ? { state, effects: [{ type: "send", to: from, message: quorumMessage(state) }] }
    : { code: "late-or-repeated", message: "agree" };

/** Takes a survivor's shares if each is what its dealer signed and of the kind that the survivors call for. */
export const onUnmask = (
  state: CollectingReveals,
  from: MemberId,
  signed: Signed,
): CollectingReveals | Reason => {
  if (!state.survivors.includes(from) || state.revealed.has(from))
    return { code: "late-or-repeated", message: "unmask" };
  const { context, transcript, sharers, survivors } = state;
  if (!isSignedBy({ stage: "unmask", context, transcript, from }, signed))
    return { code: "bad-signature", from, message: "unmask" };
  const shares = readUnmask(signed.payload);
  if (shares?.length !== sharers.length) return { code: "malformed", message: "unmask" };
  for (const [i, { owner, kind, share, proof }] of shares.entries()) {
    const wanted = kindFor(sharers[i]!, survivors);
    if (owner !== sharers[i] || KINDS[kind] !== wanted) return { code: "malformed", message: "unmask" };
    const { root } = state.dealt.get(owner)!;
    const claim = { context: context.bytes, owner, holder: from, holders: [...state.adverts.keys()] };
    if (!verifyShare(root, { ...claim, kind: wanted, share, proof }))
      return { code: "bad-share", dealer: owner };
  }
  return {
    ...state,
    revealed: new Map(state.revealed).set(
      from,
      shares.map(({ share }) => share),
    ),
  };
};

const readUnmask = (payload: Uint8Array): UnmaskPayload["shares"] | undefined => {
  try {
    return decodeCanonical(unmaskPayload, payload).shares;
  } catch {
    return undefined;
  }
};

/** Every holder's shares were verified, so any t of them rebuild every secret. */
export const hasAllReveals = ({ revealed, context }: CollectingReveals): boolean =>
  revealed.size >= context.job.threshold;

type Rebuilding = Pick<
  CollectingReveals,
  "context" | "transcript" | "adverts" | "sharers" | "survivors" | "revealed"
>;

/** What is left in the sum, to be taken off: self masks of the survivors, their pair masks towards the lost. */
export const unmaskStreams = (
  state: Rebuilding,
): readonly MaskStream[] | { readonly code: "reconstruction-failed"; readonly owner: MemberId } => {
  const secrets = new Map<MemberId, Secret>();
  for (const [i, owner] of state.sharers.entries()) {
    const secret = rebuild(state, owner, i);
    if (secret === undefined) return { code: "reconstruction-failed", owner };
    secrets.set(owner, secret);
  }
  const { transcript, adverts, sharers, survivors } = state;
  const lost = new Map(
    except(sharers, new Set(survivors)).map((id) => {
      const own = { id, secretKey: secrets.get(id)! };
      return [id, pairMaskKeys(own, transcript)] as const;
    }),
  );
  const streams: MaskStream[] = [];
  for (const stream of unmaskingStreams(sharers, survivors)) {
    const { member, sign } = stream;
    const key =
      stream.type === "self"
        ? selfMaskKey(secrets.get(member)!, transcript, member)
        : lost.get(stream.peer)!({ id: member, publicKey: adverts.get(member)!.maskKey });
    if (key === undefined) return { code: "reconstruction-failed", owner: member };
    streams.push({ key, sign });
  }
  for (const secret of secrets.values()) secret.wipe();
  return streams;
};

/**
 * A survivor's self-mask seed, proved by the commitment of its advert; a lost member's mask key, whose root is proved by
 * the public key of its advert.
 */
const rebuild = (
  { revealed, context, adverts, survivors }: Rebuilding,
  owner: MemberId,
  at: number,
): Secret | undefined => {
  const shares: Share[] = [...revealed].map(([holder, held]) => ({ holder, bytes: held[at]! }));
  const secret = combineShares(shares.slice(0, context.job.threshold));
  const advert = adverts.get(owner)!;
  if (survivors.includes(owner))
    return equalBytes(selfMaskCommitment(context, owner, secret), advert.selfMaskCommitment)
      ? secret
      : undefined;
  const { publicKey, secretKey } = maskKeysOf(secret, context);
  secret.wipe();
  return equalBytes(publicKey, advert.maskKey) ? secretKey : undefined;
};

export const quorumMessage = ({
  context,
  agreements,
}: Pick<CollectingReveals, "context" | "agreements">): CoordinatorMessage => ({
  type: "quorum",
  ...nameOf(context),
  agreements: [...agreements].map(([from, signature]) => ({ from, signature })),
});
