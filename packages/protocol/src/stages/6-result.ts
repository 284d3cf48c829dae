/**
 * Stage 6. The coordinator publishes the integer sum; every client applies the same update rule to it for itself, so
 * that the next model follows from what it has checked. A client that missed the round does the same later.
 */
import { decodeCanonical, encodeCanonical, encodeFields, equalBytes, type Secret } from "@bulkhead/base";
import { sign, verify } from "@bulkhead/crypto";
import type { MemberId } from "@bulkhead/secagg";
import {
  abort,
  type Aborted,
  type AwaitingPlan,
  endAttempt,
  type InAttempt,
  type Seat,
} from "../client-state.ts";
import { type AttemptContext, attemptContext } from "../context.ts";
import { type Attempt, except, nameOf, type Void, voidAttempt } from "../coordinator-state.ts";
import { membersOfBytes, membersToBytes } from "../job.ts";
import { type CoordinatorMessage, type MessageOf, type ResultPayload, resultPayload } from "../messages.ts";
import type { ClientEffect, CoordinatorEffect, FailureCode, Step } from "../step.ts";
import { type Agreed, trailersDigest, validAgreements, waitFor } from "./4-agree.ts";
import { type AwaitingResult, type CollectingReveals, hasAllReveals, unmaskStreams } from "./5-unmask.ts";

type Result = MessageOf<CoordinatorMessage, "result">;

const signedBytes = (payload: Uint8Array): Uint8Array => encodeFields("bulkhead/1 result signature", payload);

// ── client ──────────────────────────────────────────────────────────────────

export interface Applying {
  readonly stage: "applying";
  readonly seat: Seat;
  readonly result: ResultPayload;
}

/** The round is in the model. */
export interface Applied {
  readonly stage: "applied";
  readonly round: number;
  readonly modelHash: Uint8Array;
  readonly survivors: readonly MemberId[];
}

/**
 * Accepts the sum of the round that follows this site's model: under the provider's signature and a quorum of survivors
 * in this site's own context. What the quorum cannot show, that the sum is the right one, shows in stage 1 of the next
 * round: there t members must name the same model.
 */
export const onResult = (
  state: AwaitingPlan | InAttempt | AwaitingResult,
  message: Result,
): Step<Applying | Aborted, ClientEffect> => {
  const result = readResult(state, message);
  if (result === undefined) return abort(state, { code: "result-unproven" });
  const survivors = membersOfBytes(state.seat.job, result.survivors) ?? [];
  const { round, attempt, sumDigest, byteLength } = result;
  return {
    state: { stage: "applying", seat: state.seat, result },
    effects: [
      ...endAttempt(state),
      { type: "clear-deadline" },
      { type: "apply", round, attempt, sumDigest, byteLength, survivors },
    ],
  };
};

const readResult = (
  state: AwaitingPlan | InAttempt | AwaitingResult,
  { payload, signature, agreements }: Result,
) => {
  const { job, applied, modelHash } = state.seat;
  if (!verify(job.providerKey, signedBytes(payload), signature)) return undefined;
  const result = decodeResult(payload);
  if (result === undefined || result.round !== applied + 1) return undefined;
  const survivors = membersOfBytes(job, result.survivors);
  if (survivors === undefined || survivors.length < job.least) return undefined;
  if (result.byteLength !== job.layout.byteLength) return undefined;
  const agreed = { survivors, trailersDigest: result.trailersDigest };
  if ("agreed" in state && !isSameSet(state.agreed, agreed)) return undefined;
  const context = attemptContext(job, result, modelHash);
  const known = isAgreedAt(state, context, result.transcript) ? state.quorum : new Map();
  const valid = validAgreements({ context, transcript: result.transcript }, agreed, agreements, known);
  return valid.size >= job.threshold ? result : undefined;
};

/** Whether this site has verified a quorum in this very context; that it was over this very set has been checked. */
const isAgreedAt = (
  state: AwaitingPlan | InAttempt | AwaitingResult,
  context: AttemptContext,
  transcript: Uint8Array,
): state is AwaitingResult =>
  "quorum" in state &&
  equalBytes(state.context.bytes, context.bytes) &&
  equalBytes(state.transcript, transcript);

const decodeResult = (payload: Uint8Array): ResultPayload | undefined => {
  try {
    return decodeCanonical(resultPayload, payload);
  } catch {
    return undefined;
  }
};

const isSameSet = (a: Agreed, b: Agreed): boolean =>
  equalBytes(membersToBytes(a.survivors), membersToBytes(b.survivors)) &&
  equalBytes(a.trailersDigest, b.trailersDigest);

export const onApplied = (
  { seat, result }: Applying,
  modelHash: Uint8Array,
): Step<Applied, ClientEffect> => ({
  state: {
    stage: "applied",
    round: result.round,
    modelHash,
    survivors: membersOfBytes(seat.job, result.survivors) ?? [],
  },
  effects: [],
});

/** A sum that does not check leaves the model as it was; without it this site has no lineage to go on from. */
export const onApplyFailed = ({ seat }: Applying, code: FailureCode): Step<Aborted, ClientEffect> =>
  abort({ stage: "awaiting-plan", seat, update: "none" }, { code });

// ── coordinator ─────────────────────────────────────────────────────────────

export interface Unmasking extends Omit<CollectingReveals, "stage" | "isWaiting"> {
  readonly stage: "unmasking";
}

export interface Published extends Attempt {
  readonly stage: "published";
  readonly survivors: readonly MemberId[];
  readonly sumDigest: Uint8Array;
  readonly result: ResultPayload;
  readonly agreements: ReadonlyMap<MemberId, Uint8Array>;
}

export const closeReveals = (
  state: CollectingReveals,
): Step<CollectingReveals | Unmasking | Void, CoordinatorEffect> => {
  if (!hasAllReveals(state))
    return {
      state: { ...state, isWaiting: true },
      effects: waitFor(state, except(state.survivors, new Set(state.revealed.keys()))),
    };
  const streams = unmaskStreams(state);
  if ("code" in streams) return voidAttempt(state, streams, true);
  const { isWaiting: _, ...rest } = state;
  return {
    state: { ...rest, stage: "unmasking" },
    effects: [
      { type: "clear-deadline" },
      { type: "unmask", ...nameOf(state.context), streams, survivors: state.survivors },
    ],
  };
};

export const onSummed = (
  state: Unmasking,
  { outcome, digest }: { readonly outcome: "plain" | "masks-did-not-cancel"; readonly digest: Uint8Array },
): Step<Published | Void, CoordinatorEffect> => {
  if (outcome !== "plain") return voidAttempt(state, { code: outcome }, true);
  const { context, plan, gone, complaints, survivors, agreements } = state;
  const result: ResultPayload = {
    ...nameOf(context),
    transcript: state.transcript,
    survivors: membersToBytes(survivors),
    trailersDigest: trailersDigest(state.trailers),
    sumDigest: digest,
    byteLength: context.job.layout.byteLength,
  };
  return {
    state: {
      stage: "published",
      context,
      plan,
      gone,
      complaints,
      survivors,
      sumDigest: digest,
      result,
      agreements,
    },
    effects: [{ type: "publish", ...nameOf(context), survivors, sumDigest: digest }],
  };
};

/** The message that goes before the chunks of the sum, to survivors and to whoever missed the round. */
export const resultMessage = (
  { result, agreements }: Pick<Published, "result" | "agreements">,
  providerSecretKey: Secret,
): Result => {
  const payload = encodeCanonical(resultPayload, result);
  return {
    type: "result",
    payload,
    signature: sign(providerSecretKey, signedBytes(payload)),
    agreements: [...agreements].map(([from, signature]) => ({ from, signature })),
  };
};
