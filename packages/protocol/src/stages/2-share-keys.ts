/**
 * Stage 2 [BIK+17, round 1]. Every client splits its two secrets among the members of U1, seals each holder's shares
 * under a one-time key and signs a root over all of them; the coordinator carries the boxes and cannot open one.
 */
import { decodeCanonical, encodeCanonical, encodeFields, equalBytes, Secret } from "@bulkhead/base";
import { deriveSecret, hashFields, openOnce, sealOnce } from "@bulkhead/crypto";
import { commitShares, type MemberId, splitSecret, verifyShare } from "@bulkhead/secagg";
import { abort, type Aborted, type AwaitingPlan, complain, type InAttempt } from "../client-state.ts";
import { isSignedBy, NO_TRANSCRIPT, type Signed, signPayload } from "../context.ts";
import { type Attempt, except, nameOf, toAll, tooFew, type Void, voidAttempt } from "../coordinator-state.ts";
import { membersToBytes } from "../job.ts";
import { type AttemptSecrets, boxKeys } from "../keys.ts";
import {
  type ClientMessage,
  type CoordinatorMessage,
  type MessageOf,
  type SharesPayload,
  sharesPayload,
  sharesPlaintext,
} from "../messages.ts";
import type { Reason } from "../reasons.ts";
import type { ClientEffect, CoordinatorEffect, Step } from "../step.ts";
import {
  type Adverts,
  type AwaitingRoster,
  type CollectingAdverts,
  readRoster,
  rosterMessage,
  transcriptOf,
} from "./1-advertise-keys.ts";

interface Box {
  readonly holder: MemberId;
  readonly box: Uint8Array;
}

/** U2, as every member of it must see it alike; its digest stands in the signed trailers of stage 3. */
export const sharersDigest = (transcript: Uint8Array, sharers: Iterable<MemberId>): Uint8Array =>
  hashFields("bulkhead/1 sharers", transcript, membersToBytes(sharers));

const listDigest = (sealed: readonly Box[]): Uint8Array =>
  hashFields(
    "bulkhead/1 sealed shares",
    ...sealed.flatMap(({ holder, box }) => [Uint8Array.of(holder), box]),
  );

// ── client ──────────────────────────────────────────────────────────────────

/** What this member holds for one owner: its shares of both secrets, with the proofs that the coordinator will want. */
export interface HeldShares {
  readonly selfMask: Secret;
  readonly maskKey: Secret;
  readonly selfMaskProof: readonly Uint8Array[];
  readonly maskKeyProof: readonly Uint8Array[];
}

export interface AwaitingInbox extends InAttempt {
  readonly stage: "awaiting-inbox";
  readonly secrets: AttemptSecrets;
  readonly adverts: Adverts;
  readonly transcript: Uint8Array;
  /** Its shares of its own secrets, which it never sends before stage 5. */
  readonly ownShares: HeldShares;
  /** What each other member's box opens with, from the agreement that gave the key for the box to that member. */
  readonly openingKeys: ReadonlyMap<MemberId, Secret>;
}

export const onRoster = (
  state: AwaitingRoster,
  message: MessageOf<CoordinatorMessage, "roster">,
): Step<AwaitingInbox | AwaitingPlan | Aborted, ClientEffect> => {
  const adverts = readRoster(state, message);
  return "code" in adverts ? abort(state, adverts) : shareKeys(state, adverts);
};

const shareKeys = (
  state: AwaitingRoster,
  adverts: Adverts,
): Step<AwaitingInbox | AwaitingPlan, ClientEffect> => {
  const { seat, update, context, secrets, heard, toWipe } = state;
  const transcript = transcriptOf(context, adverts);
  const dealt = dealShares(state, [...adverts.keys()]);
  const keysWith = boxKeys({ id: seat.id, secretKey: secrets.shareKeys.secretKey }, transcript);
  const sealed: Box[] = [];
  const openingKeys = new Map<MemberId, Secret>();
  for (const [holder, { shareKey: publicKey }] of adverts) {
    if (holder === seat.id) continue;
    const keys = keysWith({ id: holder, publicKey });
    const shares = dealt.sharesOf(holder);
    if (keys !== undefined) sealed.push({ holder, box: sealShares(keys.toSeal, shares) });
    // Any t of them are the secrets again: only the boxes stay, and this site's own.
    for (const share of secretsOf([shares])) share.wipe();
    if (keys === undefined)
      return complain({ ...state, toWipe: [...toWipe, ...openingKeys.values()] }, holder);
    openingKeys.set(holder, keys.toOpen);
  }
  const payload = encodeCanonical(sharesPayload, { root: dealt.root, listDigest: listDigest(sealed) });
  const signed = signPayload(
    { stage: "shares", context, transcript, from: seat.id },
    payload,
    seat.signingKey,
  );
  const sent: ClientMessage = { type: "shares", ...nameOf(context), ...signed, sealed };
  const ownShares = dealt.sharesOf(seat.id);
  return {
    state: {
      stage: "awaiting-inbox",
      seat,
      update,
      context,
      secrets,
      toWipe: [...toWipe, ...secretsOf([ownShares]), ...openingKeys.values()],
      sent,
      heard,
      adverts,
      transcript,
      ownShares,
      openingKeys,
    },
    effects: [{ type: "send", message: sent }],
  };
};

const dealShares = ({ seat, context, secrets }: AwaitingRoster, holders: readonly MemberId[]) => {
  const { threshold } = seat.job;
  const split = (secret: typeof secrets.selfMaskSeed, label: string) => {
    const seed = deriveSecret({
      secret: secrets.sharingSeed,
      salt: context.hash,
      info: encodeFields("bulkhead/1 share coefficients", label),
    });
    const shares = splitSecret(secret, { threshold, holders, seed });
    seed.wipe();
    return shares;
  };
  const selfMask = split(secrets.selfMaskSeed, "self-mask");
  const maskKey = split(secrets.maskKeyRoot, "mask-key");
  const { root, proofOf } = commitShares(context.bytes, seat.id, { selfMask, maskKey });
  const sharesOf = (holder: MemberId): HeldShares => {
    const at = holders.indexOf(holder);
    return {
      selfMask: new Secret(selfMask[at]!.bytes),
      maskKey: new Secret(maskKey[at]!.bytes),
      selfMaskProof: proofOf(holder, "self-mask"),
      maskKeyProof: proofOf(holder, "mask-key"),
    };
  };
  return { root, sharesOf };
};

/** Wipes what it has sealed, and the key. */
const sealShares = (key: Secret, shares: HeldShares): Uint8Array => {
  const plaintext = sharesBytes(shares);
  const box = sealOnce(key, plaintext);
  plaintext.fill(0);
  key.wipe();
  return box;
};

const sharesBytes = ({ selfMask, maskKey, selfMaskProof, maskKeyProof }: HeldShares): Uint8Array =>
  encodeCanonical(sharesPlaintext, {
    selfMask: selfMask.reveal(),
    maskKey: maskKey.reveal(),
    selfMaskProof,
    maskKeyProof,
    treeHead: NO_TRANSCRIPT,
  });

export const secretsOf = (held: Iterable<HeldShares>): readonly Secret[] =>
  [...held].flatMap(({ selfMask, maskKey }) => [selfMask, maskKey]);

type Inbox = MessageOf<CoordinatorMessage, "inbox">["shares"];

/** Opens every box now, not in stage 5: a wrong share must name its dealer while the attempt can still be repeated. */
export const readInbox = (
  state: AwaitingInbox,
  shares: Inbox,
): ReadonlyMap<MemberId, HeldShares> | Reason => {
  const { seat, sent } = state;
  const held = new Map<MemberId, HeldShares>();
  let last = 0;
  for (const { owner, payload, signature, box } of shares) {
    if (owner <= last || !state.adverts.has(owner)) return { code: "not-a-subset", message: "inbox" };
    last = owner;
    if (owner === seat.id) {
      if (
        sent.type !== "shares" ||
        !equalBytes(sent.payload, payload) ||
        !equalBytes(sent.signature, signature)
      )
        return { code: "own-message-altered", message: "inbox" };
      held.set(owner, state.ownShares);
      continue;
    }
    const dealt = readShares(state, owner, { payload, signature });
    if (dealt === undefined) return { code: "bad-signature", from: owner, message: "shares" };
    const opened = openShares(state, owner, { root: dealt.root, box });
    if (opened === undefined) return { code: "bad-share", dealer: owner };
    held.set(owner, opened);
  }
  if (!held.has(seat.id)) return { code: "self-missing", message: "inbox" };
  const { least } = seat.job;
  return held.size < least ? tooFew("shares", held.size, least) : held;
};

const openShares = (
  { seat, context, adverts, openingKeys }: AwaitingInbox,
  owner: MemberId,
  { root, box }: { readonly root: Uint8Array; readonly box: Uint8Array },
): HeldShares | undefined => {
  const plaintext = openOnce(openingKeys.get(owner)!, box);
  if (plaintext === undefined) return undefined;
  try {
    const shares = decodeCanonical(sharesPlaintext, plaintext);
    const claim = { context: context.bytes, owner, holder: seat.id, holders: [...adverts.keys()] };
    const { selfMask, selfMaskProof, maskKey, maskKeyProof } = shares;
    const areCommitted =
      verifyShare(root, { ...claim, kind: "self-mask", share: selfMask, proof: selfMaskProof }) &&
      verifyShare(root, { ...claim, kind: "mask-key", share: maskKey, proof: maskKeyProof });
    return areCommitted
      ? { selfMask: new Secret(selfMask), maskKey: new Secret(maskKey), selfMaskProof, maskKeyProof }
      : undefined;
  } catch {
    return undefined;
  } finally {
    plaintext.fill(0);
  }
};

// ── coordinator ─────────────────────────────────────────────────────────────

/** One dealer's message of this stage, its signature verified. */
export interface Dealt extends SharesPayload {
  readonly signed: Signed;
  readonly boxes: ReadonlyMap<MemberId, Uint8Array>;
}

export interface CollectingShares extends Attempt {
  readonly stage: "collecting-shares";
  readonly adverts: Adverts;
  readonly transcript: Uint8Array;
  readonly dealt: ReadonlyMap<MemberId, Dealt>;
}

export const closeAdverts = (state: CollectingAdverts): Step<CollectingShares | Void, CoordinatorEffect> => {
  const { adverts, context, plan, gone, complaints } = state;
  const { least, contract } = context.job;
  if (adverts.size < least) return voidAttempt(state, tooFew("adverts", adverts.size, least));
  const next: CollectingShares = {
    stage: "collecting-shares",
    context,
    plan,
    gone,
    complaints,
    adverts,
    transcript: transcriptOf(context, adverts),
    dealt: new Map(),
  };
  return {
    state: next,
    effects: [
      ...toAll(adverts.keys(), rosterMessage(next)),
      ...toAll(
        context.job.members.map(({ id }) => id).filter((id) => !adverts.has(id)),
        { type: "excluded", ...nameOf(context) },
      ),
      { type: "set-deadline", afterMs: contract.timing.stageMs },
    ],
  };
};

export const onShares = (
  state: CollectingShares,
  from: MemberId,
  { payload, signature, sealed }: MessageOf<ClientMessage, "shares">,
): CollectingShares | Reason => {
  if (!state.adverts.has(from) || state.dealt.has(from))
    return { code: "late-or-repeated", message: "shares" };
  const shares = readShares(state, from, { payload, signature });
  if (shares === undefined) return { code: "bad-signature", from, message: "shares" };
  const holders = except(state.adverts.keys(), new Set([from]));
  const isComplete =
    sealed.length === holders.length && sealed.every(({ holder }, i) => holder === holders[i]);
  if (!isComplete || !equalBytes(listDigest(sealed), shares.listDigest))
    return { code: "malformed", message: "shares" };
  const boxes = new Map(sealed.map(({ holder, box }) => [holder, box]));
  const dealt = new Map([
    ...state.dealt,
    [from, { ...shares, signed: { payload, signature }, boxes }] as const,
  ]);
  return { ...state, dealt };
};

export const hasAllShares = ({ adverts, dealt, gone }: CollectingShares): boolean =>
  except(adverts.keys(), gone).every((id) => dealt.has(id));

/** The boxes addressed to one member; its own entry carries an empty one. */
export const inboxMessage = (
  {
    context,
    sharers,
    dealt,
  }: Pick<CollectingShares, "context" | "dealt"> & { readonly sharers: readonly MemberId[] },
  to: MemberId,
): CoordinatorMessage => ({
  type: "inbox",
  ...nameOf(context),
  shares: sharers.map((owner) => {
    const { signed, boxes } = dealt.get(owner)!;
    return { owner, ...signed, box: boxes.get(to) ?? new Uint8Array() };
  }),
});

// ── both ────────────────────────────────────────────────────────────────────

const readShares = (
  { context, transcript }: Pick<AwaitingInbox, "context" | "transcript">,
  from: MemberId,
  signed: Signed,
): SharesPayload | undefined => {
  if (!isSignedBy({ stage: "shares", context, transcript, from }, signed)) return undefined;
  try {
    return decodeCanonical(sharesPayload, signed.payload);
  } catch {
    return undefined;
  }
};
