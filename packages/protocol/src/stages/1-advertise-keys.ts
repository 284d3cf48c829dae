/**
 * Stage 1 [BIK+17, round 0]. Every client signs two fresh public keys and a commitment to its self-mask seed; the
 * coordinator answers with everyone's. From the adverts each side computes the transcript T1.
 */
import { concatBytes, decodeCanonical, encodeCanonical, equalBytes, type Secret } from "@bulkhead/base";
import { hashFields, sha256 } from "@bulkhead/crypto";
import { byMember, type MemberId } from "@bulkhead/secagg";
import {
  abort,
  type Aborted,
  type AwaitingPlan,
  endAttempt,
  type InAttempt,
  withEntry,
} from "../client-state.ts";
import {
  type AttemptContext,
  attemptContext,
  isSignedBy,
  NO_TRANSCRIPT,
  type Signed,
  signPayload,
} from "../context.ts";
import { type Attempt, except, nameOf, tooFew } from "../coordinator-state.ts";
import { type AttemptSecrets, attemptSecrets, secretsToWipe, selfMaskCommitment } from "../keys.ts";
import {
  type AdvertPayload,
  advertPayload,
  type ClientMessage,
  type CoordinatorMessage,
  type MessageOf,
  type PlanPayload,
} from "../messages.ts";
import type { Reason } from "../reasons.ts";
import type { ClientEffect, ClientEntry, Step } from "../step.ts";
import { planProblem, readPlan } from "./0-plan.ts";

/** One member's advert, verified under its pinned key. */
export interface Advert extends AdvertPayload {
  readonly signed: Signed;
}

/** U1: whose adverts are in, ascending by member. */
export type Adverts = ReadonlyMap<MemberId, Advert>;

/** T1 binds every later key to the exact adverts that a client was shown. */
export const transcriptOf = (context: AttemptContext, adverts: Adverts): Uint8Array =>
  hashFields(
    "bulkhead/1 t1",
    context.bytes,
    ...[...adverts].flatMap(([id, { signed }]) => [
      Uint8Array.of(id),
      sha256(concatBytes(signed.payload, signed.signature)),
    ]),
  );

// ── client ──────────────────────────────────────────────────────────────────

export interface AwaitingRoster extends InAttempt {
  readonly stage: "awaiting-roster";
  readonly secrets: AttemptSecrets;
}

/** Takes part in the attempt that a plan opens, or says why not. `seed` is fresh and serves this attempt alone. */
export const onPlan = (
  state: AwaitingPlan | InAttempt,
  message: MessageOf<CoordinatorMessage, "plan">,
  seed: Secret,
): Step<AwaitingRoster | AwaitingPlan | Aborted, ClientEffect> => {
  const plan = readPlan(state.seat.job, message);
  if ("code" in plan) return abort(state, plan);
  const problem = planProblem(state, plan);
  // A coordinator that restarted may offer an attempt that this site's restart has lost: the next one will do.
  if (problem?.code === "attempt-replayed" && !("context" in state))
    return {
      state,
      effects: [
        { type: "note", reason: problem },
        {
          type: "send",
          message: { type: "leave", round: plan.round, attempt: plan.attempt, code: "attempt-lost" },
        },
      ],
    };
  if (problem !== undefined) return abort(state, problem);
  const entered = advertise(state, plan, seed);
  const training: readonly ClientEffect[] =
    state.update === "none" ? [{ type: "train", round: plan.round }] : [];
  return { state: entered.state, effects: [...endAttempt(state), ...entered.effects, ...training] };
};

/** Enters an attempt: all its secrets derive from `seed`, and the journal knows of it before anyone else. */
const advertise = (
  { seat, update }: AwaitingPlan | InAttempt,
  plan: PlanPayload,
  seed: Secret,
): Step<AwaitingRoster, ClientEffect> => {
  const context = attemptContext(seat.job, plan, plan.modelHash);
  const secrets = attemptSecrets(seed, context);
  const payload = encodeCanonical(advertPayload, {
    maskKey: secrets.maskKeys.publicKey,
    shareKey: secrets.shareKeys.publicKey,
    selfMaskCommitment: selfMaskCommitment(context, seat.id, secrets.selfMaskSeed),
    treeHead: NO_TRANSCRIPT,
  });
  const place = { stage: "advert", context, transcript: NO_TRANSCRIPT, from: seat.id } as const;
  const name = { round: plan.round, attempt: plan.attempt };
  const sent: ClientMessage = { type: "advert", ...name, ...signPayload(place, payload, seat.signingKey) };
  const entry: ClientEntry = { type: "joined", ...name };
  return {
    state: {
      stage: "awaiting-roster",
      seat: withEntry(seat, entry),
      update: update === "none" ? "training" : update,
      context,
      secrets,
      toWipe: secretsToWipe(secrets),
      sent,
      heard: new Map(),
    },
    effects: [
      { type: "forget-secrets", secrets: [seed] },
      { type: "persist", entry },
      { type: "send", message: sent },
    ],
  };
};

/** Every advert under a pinned key and this very context; own advert unchanged; enough of them, and all different. */
export const readRoster = (
  { seat, context, sent }: AwaitingRoster,
  { adverts: listed }: MessageOf<CoordinatorMessage, "roster">,
): Adverts | Reason => {
  const adverts = new Map<MemberId, Advert>();
  const keys = new Set<string>();
  let last = 0;
  for (const { from, ...signed } of listed) {
    if (from <= last || !seat.job.memberById.has(from)) return { code: "unknown-member" };
    last = from;
    const own = from === seat.id && sent.type === "advert" ? sent : undefined;
    const advert = readAdvert(context, from, signed, own);
    if (advert === undefined) return { code: "bad-signature", from, message: "advert" };
    for (const key of [advert.maskKey, advert.shareKey]) {
      if (keys.has(key.join())) return { code: "duplicate-key", from };
      keys.add(key.join());
    }
    adverts.set(from, advert);
  }
  const { least } = seat.job;
  const own = adverts.get(seat.id)?.signed;
  if (own === undefined) return { code: "self-missing", message: "roster" };
  if (
    sent.type !== "advert" ||
    !equalBytes(own.payload, sent.payload) ||
    !equalBytes(own.signature, sent.signature)
  )
    return { code: "own-message-altered", message: "roster" };
  if (adverts.size < least) return tooFew("adverts", adverts.size, least);
  return adverts;
};

// ── coordinator ─────────────────────────────────────────────────────────────

export interface CollectingAdverts extends Attempt {
  readonly stage: "collecting-adverts";
  readonly adverts: Adverts;
  /** Dealers of bad shares in an earlier attempt of this round. */
  readonly leftOut: ReadonlySet<MemberId>;
}

export const onAdvert = (
  state: CollectingAdverts,
  from: MemberId,
  { payload, signature }: Signed,
): CollectingAdverts | Reason => {
  if (state.leftOut.has(from) || state.adverts.has(from))
    return { code: "late-or-repeated", message: "advert" };
  const advert = readAdvert(state.context, from, { payload, signature });
  if (advert === undefined) return { code: "bad-signature", from, message: "advert" };
  for (const other of state.adverts.values())
    for (const key of [advert.maskKey, advert.shareKey])
      if (equalBytes(key, other.maskKey) || equalBytes(key, other.shareKey))
        return { code: "duplicate-key", from };
  const adverts = new Map([...state.adverts, [from, advert] as const].sort(([a], [b]) => byMember(a, b)));
  return { ...state, adverts, gone: new Set(except(state.gone, new Set([from]))) };
};

/** Whether nobody is left to wait for; with too few adverts it stays open, since members may yet come back. */
export const hasAllAdverts = ({ adverts, gone, leftOut, context: { job } }: CollectingAdverts): boolean =>
  adverts.size >= job.least &&
  job.members.every(({ id }) => adverts.has(id) || gone.has(id) || leftOut.has(id));

export const rosterMessage = ({
  context,
  adverts,
}: {
  readonly context: AttemptContext;
  readonly adverts: Adverts;
}): CoordinatorMessage => ({
  type: "roster",
  ...nameOf(context),
  adverts: [...adverts].map(([from, { signed }]) => ({ from, ...signed })),
});

// ── both ────────────────────────────────────────────────────────────────────

/** Verifies the raw bytes, then decodes them; `undefined` for anything else than this member's advert in this context. */
const readAdvert = (
  context: AttemptContext,
  from: MemberId,
  signed: Signed,
  known?: Signed,
): Advert | undefined => {
  const place = { stage: "advert", context, transcript: NO_TRANSCRIPT, from } as const;
  if (!isSignedBy(place, signed, known)) return undefined;
  try {
    return { ...decodeCanonical(advertPayload, signed.payload), signed };
  } catch {
    return undefined;
  }
};
