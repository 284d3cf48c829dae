/**
 * Stage 4 [BIK+17, consistency check], second on the critical path. Every survivor signs the set of survivors that it
 * was shown, once a round; only a quorum of signatures over the same set lets anyone release shares.
 */
import { encodeCanonical, equalBytes } from "@bulkhead/base";
import { hashFields } from "@bulkhead/crypto";
import { byMember, type MemberId } from "@bulkhead/secagg";
import { abort, type Aborted, withEntry } from "../client-state.ts";
import { isSignedBy, type Signed, signPayload, type SigningPlace } from "../context.ts";
import { type Attempt, except, nameOf, toAll, tooFew, type Void, voidAttempt } from "../coordinator-state.ts";
import { cohortProblem } from "../history.ts";
import { membersToBytes } from "../job.ts";
import { agreePayload, type ClientMessage, type CoordinatorMessage, type MessageOf } from "../messages.ts";
import type { Reason } from "../reasons.ts";
import type { ClientEffect, ClientEntry, CoordinatorEffect, Step } from "../step.ts";
import type { Adverts } from "./1-advertise-keys.ts";
import type { Dealt } from "./2-share-keys.ts";
import {
  type AwaitingSurvivors,
  type CollectingInputs,
  readTrailer,
  type Sharing,
  type Trailer,
} from "./3-masked-input.ts";

/** U3 with everything that was claimed of the uploads in it. */
export interface Agreed {
  readonly survivors: readonly MemberId[];
  readonly trailersDigest: Uint8Array;
}

export const trailersDigest = (trailers: ReadonlyMap<MemberId, Trailer>): Uint8Array =>
  hashFields(
    "bulkhead/1 trailers",
    ...[...trailers].flatMap(([id, { signed }]) => [Uint8Array.of(id), signed.payload, signed.signature]),
  );

/** What a survivor signs, beside context and transcript; built, never decoded. */
export const agreedPayload = ({ survivors, trailersDigest: digest }: Agreed): Uint8Array =>
  encodeCanonical(agreePayload, {
    survivorsDigest: hashFields("bulkhead/1 survivors", membersToBytes(survivors)),
    trailersDigest: digest,
  });

/** Signatures over one set, by survivor. */
export type Agreements = ReadonlyMap<MemberId, Uint8Array>;

/**
 * The distinct survivors whose signature over exactly this set is valid. `known` are signatures over this very set at
 * this very place that this side has made or verified before.
 */
export const validAgreements = (
  place: Omit<SigningPlace, "stage" | "from">,
  agreed: Agreed,
  agreements: Iterable<{ readonly from: MemberId; readonly signature: Uint8Array }>,
  known: Agreements = new Map(),
): Agreements => {
  const payload = agreedPayload(agreed);
  const valid = new Map<MemberId, Uint8Array>();
  for (const { from, signature } of agreements) {
    if (valid.has(from) || !agreed.survivors.includes(from)) continue;
    const before = known.get(from);
    const knownSigned = before && { payload, signature: before };
    if (isSignedBy({ ...place, stage: "agree", from }, { payload, signature }, knownSigned))
      valid.set(from, signature);
  }
  return valid;
};

// ── client ──────────────────────────────────────────────────────────────────

export interface AwaitingQuorum extends Sharing {
  readonly stage: "awaiting-quorum";
  readonly agreed: Agreed;
}

export const onSurvivors = (
  state: AwaitingSurvivors,
  message: MessageOf<CoordinatorMessage, "survivors">,
): Step<AwaitingQuorum | Aborted, ClientEffect> => {
  const { context, transcript } = state;
  const trailers = readSurvivors(state, message);
  if ("code" in trailers) return abort(state, trailers);
  const agreed: Agreed = { survivors: [...trailers.keys()], trailersDigest: trailersDigest(trailers) };
  const entry: ClientEntry & { readonly type: "signed" } = {
    type: "signed",
    ...nameOf(context),
    survivors: agreed.survivors,
    modelHash: context.modelHash,
  };
  const { seat } = state;
  const problem = cohortProblem(seat.job, seat.history, entry, seat.strictCohorts);
  if (problem !== undefined) return abort(state, problem);
  const place = { stage: "agree", context, transcript, from: seat.id } as const;
  const sent: ClientMessage = {
    type: "agree",
    ...nameOf(context),
    ...signPayload(place, agreedPayload(agreed), seat.signingKey),
  };
  return {
    state: { ...state, stage: "awaiting-quorum", seat: withEntry(seat, entry), sent, agreed },
    // Known to the journal before it is known to anyone: after a restart it is not signed a second time.
    effects: [
      { type: "persist", entry },
      { type: "send", message: sent },
    ],
  };
};

/** Oneself in U3, U3 within U2 and large enough, every trailer signed by its sender over the same U2. */
const readSurvivors = (
  state: AwaitingSurvivors,
  { trailers: listed }: MessageOf<CoordinatorMessage, "survivors">,
): ReadonlyMap<MemberId, Trailer> | Reason => {
  const trailers = new Map<MemberId, Trailer>();
  let last = 0;
  for (const { from, ...signed } of listed) {
    if (from <= last || !state.sharers.includes(from)) return { code: "not-a-subset", message: "survivors" };
    last = from;
    const own = from === state.seat.id && state.sent.type === "masked" ? state.sent : undefined;
    const trailer = readTrailer(state, from, signed, own);
    if (trailer === undefined) return { code: "bad-signature", from, message: "masked" };
    if (!equalBytes(trailer.sharersDigest, state.sharersDigest)) return { code: "sharers-differ", from };
    trailers.set(from, trailer);
  }
  const own = trailers.get(state.seat.id)?.signed;
  if (own === undefined) return { code: "self-missing", message: "survivors" };
  const { sent } = state;
  if (sent.type !== "masked" || !equalBytes(own.signature, sent.signature))
    return { code: "own-message-altered", message: "survivors" };
  const { least } = state.seat.job;
  return trailers.size < least ? tooFew("survivors", trailers.size, least) : trailers;
};

// ── coordinator ─────────────────────────────────────────────────────────────

export interface CollectingAgreements extends Attempt {
  readonly stage: "collecting-agreements";
  readonly adverts: Adverts;
  readonly transcript: Uint8Array;
  readonly dealt: ReadonlyMap<MemberId, Dealt>;
  readonly sharers: readonly MemberId[];
  readonly survivors: readonly MemberId[];
  readonly trailers: ReadonlyMap<MemberId, Trailer>;
  readonly agreements: ReadonlyMap<MemberId, Uint8Array>;
  /** Past the deadline without a quorum: only the missing members can end this. */
  readonly isWaiting: boolean;
}

export const closeInputs = (
  state: CollectingInputs,
): Step<CollectingInputs | CollectingAgreements | Void, CoordinatorEffect> => {
  if (state.folded.size < state.trailers.size) return { state: { ...state, isClosing: true }, effects: [] };
  const { context, plan, gone, complaints, adverts, transcript, dealt, sharers, folded } = state;
  const { least, contract } = context.job;
  if (folded.size < least) return voidAttempt(state, tooFew("masked inputs", folded.size, least));
  const survivors = [...folded].sort(byMember);
  const trailers = new Map(survivors.map((id) => [id, state.trailers.get(id)!]));
  const next: CollectingAgreements = {
    stage: "collecting-agreements",
    context,
    plan,
    gone,
    complaints,
    adverts,
    transcript,
    dealt,
    sharers,
    survivors,
    trailers,
    agreements: new Map(),
    isWaiting: false,
  };
  return {
    state: next,
    effects: [
      ...toAll(survivors, survivorsMessage(next)),
      ...toAll(except(sharers, folded), { type: "excluded", ...nameOf(context) }),
      { type: "set-deadline", afterMs: contract.timing.stageMs },
    ],
  };
};

export const onAgree = (
  state: CollectingAgreements,
  from: MemberId,
  { signature }: Signed,
): CollectingAgreements | Reason => {
  if (!state.survivors.includes(from) || state.agreements.has(from))
    return { code: "late-or-repeated", message: "agree" };
  const agreed = { survivors: state.survivors, trailersDigest: trailersDigest(state.trailers) };
  const isValid = validAgreements(state, agreed, [{ from, signature }]).has(from);
  if (!isValid) return { code: "bad-signature", from, message: "agree" };
  return { ...state, agreements: new Map(state.agreements).set(from, signature) };
};

/** A quorum is enough: those who have not signed yet will, before they see it. */
export const hasQuorum = ({ agreements, context }: CollectingAgreements): boolean =>
  agreements.size >= context.job.threshold;

/**
 * Nobody's signature is here, and so many survivors are gone that there will be no quorum: the attempt can be given up.
 * As long as they are there, they may have signed what has not arrived yet, and then no other attempt could succeed.
 */
export const isHopeless = ({ agreements, survivors, gone, context }: CollectingAgreements): boolean =>
  agreements.size === 0 && except(survivors, gone).length < context.job.threshold;

/** Somebody may have signed, so this set alone can be revealed: the attempt pauses until the missing members return. */
export const waitFor = (
  { context, survivors }: Pick<CollectingAgreements, "context" | "survivors">,
  missing: readonly MemberId[],
): readonly CoordinatorEffect[] => [
  { type: "clear-deadline" },
  {
    type: "note",
    from: undefined,
    reason: {
      code: "waiting-for-member",
      present: survivors.length - missing.length,
      needed: context.job.threshold,
    },
  },
  ...toAll(survivors, { type: "waiting", ...nameOf(context), members: missing }),
];

export const survivorsMessage = ({
  context,
  trailers,
}: Pick<CollectingAgreements, "context" | "trailers">): CoordinatorMessage => ({
  type: "survivors",
  ...nameOf(context),
  trailers: [...trailers].map(([from, { signed }]) => ({ from, ...signed })),
});
