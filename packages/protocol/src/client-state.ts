/** What every place of a client has in common, and the two ways out of an attempt. */
import type { Secret } from "@bulkhead/base";
import type { MemberId } from "@bulkhead/secagg";
import type { AttemptContext } from "./context.ts";
import { type History, remember } from "./history.ts";
import type { Job } from "./job.ts";
import type { ClientMessage, CoordinatorMessage, LeaveCode } from "./messages.ts";
import type { Reason } from "./reasons.ts";
import type { ClientEffect, ClientEntry, Step } from "./step.ts";

/** A member's chair: constants of the round, and what it remembers. */
export interface Seat {
  readonly job: Job;
  readonly id: MemberId;
  readonly signingKey: Secret;
  /** Rounds whose sums are in the model. */
  readonly applied: number;
  readonly modelHash: Uint8Array;
  readonly history: History;
  /** Whether small differences to cohorts of other rounds are refused too. */
  readonly strictCohorts: boolean;
}

export interface AwaitingPlan {
  readonly stage: "awaiting-plan";
  readonly seat: Seat;
  /** Of this round; it outlives an attempt, and is masked anew in the next. */
  readonly update: "none" | "training" | "ready";
}

/** From the advert on. */
export interface InAttempt {
  readonly seat: Seat;
  readonly update: "training" | "ready";
  readonly context: AttemptContext;
  /** The attempt's secrets and the shares that are held: none once the attempt needs them no more. */
  readonly toWipe: readonly Secret[];
  /** Sent again when a new link replaces one that was lost. */
  readonly sent: ClientMessage;
  /** What the coordinator has said in this attempt, by type: a second, different version is an equivocation. */
  readonly heard: ReadonlyMap<string, CoordinatorMessage>;
}

export interface Aborted {
  readonly stage: "aborted";
  readonly reason: Reason;
}

/** Leaves the round for good: nothing further is sent but the code. */
export const abort = (
  state: AwaitingPlan | InAttempt,
  reason: Reason,
  code: LeaveCode = "refused",
): Step<Aborted, ClientEffect> => ({
  state: { stage: "aborted", reason },
  effects: [
    { type: "note", reason },
    ...endAttempt(state),
    { type: "clear-deadline" },
    { type: "send", message: { type: "leave", ...attemptOf(state), code } },
  ],
});

/** Goes back to waiting, with the finished update: the attempt is over, the round may not be. */
export const backToPlan = (state: AwaitingPlan | InAttempt): Step<AwaitingPlan, ClientEffect> => ({
  state: { stage: "awaiting-plan", seat: state.seat, update: state.update },
  effects: endAttempt(state),
});

/**
 * A dealer gave this site what cannot be used: the attempt goes on without it, and names the dealer, who is left out of
 * the next one. The round is not given up, or one bad member could drive all others away.
 */
export const complain = (state: InAttempt, dealer: MemberId): Step<AwaitingPlan, ClientEffect> => {
  const { state: next, effects } = backToPlan(state);
  return {
    state: next,
    effects: [
      { type: "note", reason: { code: "bad-share", dealer } },
      ...effects,
      { type: "send", message: { type: "leave", ...attemptOf(state), code: "bad-share", about: dealer } },
    ],
  };
};

export const endAttempt = (state: AwaitingPlan | InAttempt): readonly ClientEffect[] =>
  "toWipe" in state ? [{ type: "forget-secrets", secrets: state.toWipe }, { type: "drop-vector" }] : [];

export const attemptOf = (
  state: AwaitingPlan | InAttempt,
): { readonly round: number; readonly attempt: number } =>
  "context" in state
    ? { round: state.context.round, attempt: state.context.attempt }
    : state.seat.history.joined;

/** The seat after an entry, which the same step persists. */
export const withEntry = (seat: Seat, entry: ClientEntry): Seat => ({
  ...seat,
  history: remember(seat.history, entry),
});
