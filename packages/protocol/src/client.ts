/** The client's machine: the union of its places, and which event goes where. The stages do the work. */
import type { Secret } from "@bulkhead/base";
import { abort, type Aborted, attemptOf, type AwaitingPlan, backToPlan, type Seat } from "./client-state.ts";
import { isSameMessage } from "./same-message.ts";
import type { CoordinatorMessage, LeaveCode } from "./messages.ts";
import { type AwaitingRoster, onPlan } from "./stages/1-advertise-keys.ts";
import { type AwaitingInbox, onRoster } from "./stages/2-share-keys.ts";
import {
  type AwaitingSurvivors,
  type AwaitingUpdate,
  type Masking,
  maskWhenTrained,
  onInbox,
  onMasked,
} from "./stages/3-masked-input.ts";
import { type AwaitingQuorum, onSurvivors } from "./stages/4-agree.ts";
import { type AwaitingResult, onQuorum } from "./stages/5-unmask.ts";
import { type Applied, type Applying, onApplied, onApplyFailed, onResult } from "./stages/6-result.ts";
import type { ClientEffect, ClientEvent, FailureCode, Step } from "./step.ts";

/** The coordinator has ended the job. */
export interface Finished {
  readonly stage: "finished";
  readonly code: "done" | "failed";
}

type Attempting =
  | AwaitingRoster
  | AwaitingInbox
  | AwaitingUpdate
  | Masking
  | AwaitingSurvivors
  | AwaitingQuorum
  | AwaitingResult;

type Over = Applied | Finished | Aborted;

export type ClientState = AwaitingPlan | Attempting | Applying | Over;

type ClientStep = Step<ClientState, ClientEffect>;

/** Takes the chair for the round after `seat.applied`. One machine is one round, with all its attempts. */
export const openSeat = (seat: Seat): ClientStep => ({
  state: { stage: "awaiting-plan", seat, update: "none" },
  effects: [],
});

export const isClientOver = (state: ClientState): state is Over =>
  state.stage === "applied" || state.stage === "finished" || state.stage === "aborted";

/** Moves a client one step on. Pure: same state and event, same step. */
export const stepClient = (state: ClientState, event: ClientEvent): ClientStep => {
  if (isClientOver(state)) return { state, effects: event.type === "planned" ? wiping(event.seed) : [] };
  if (state.stage === "applying") return stepApplying(state, event);
  switch (event.type) {
    case "planned":
      return onPlanned(state, event);
    case "received":
      return onMessage(state, event.message);
    case "trained":
      return onTrained(state);
    case "masked":
      return state.stage === "masking" ? onMasked(state, event) : unchanged(state);
    case "failed":
      return abort(state, { code: event.code }, LEAVE_BY_FAILURE[event.code]);
    case "refused":
      return abort(state, event.reason);
    case "stop":
      return event.withdraws
        ? abort(state, { code: "consent-withdrawn" }, "consent-withdrawn")
        : abort(state, { code: "stopped" }, "stopped");
    case "link-lost":
      return { state, effects: [{ type: "set-deadline", afterMs: state.seat.job.contract.timing.resumeMs }] };
    case "link-restored":
      return { state, effects: [{ type: "clear-deadline" }, ...greet(state)] };
    case "deadline-passed":
      return isAttempting(state) ? lostForLong(state) : unchanged(state);
    case "applied":
      return unchanged(state);
  }
};

const LEAVE_BY_FAILURE: Readonly<Record<FailureCode, LeaveCode>> = {
  "training-failed": "training-failed",
  "masking-failed": "training-failed",
  "sum-mismatch": "refused",
  "masks-did-not-cancel": "refused",
  internal: "training-failed",
};

const unchanged = (state: ClientState): ClientStep => ({ state, effects: [] });
const wiping = (seed: Secret): readonly ClientEffect[] => [{ type: "forget-secrets", secrets: [seed] }];
const isAttempting = (state: AwaitingPlan | Attempting): state is Attempting =>
  state.stage !== "awaiting-plan";

const onPlanned = (
  state: AwaitingPlan | Attempting,
  { plan, seed }: Extract<ClientEvent, { readonly type: "planned" }>,
): ClientStep => {
  const isRepeated = isAttempting(state) && isSameMessage(state.heard.get("plan"), plan);
  if (isRepeated) return { state, effects: wiping(seed) };
  const { state: next, effects } = onPlan(state, plan, seed);
  if (next.stage !== "awaiting-roster") return { state: next, effects: [...effects, ...wiping(seed)] };
  return { state: { ...next, heard: new Map([["plan", plan]]) }, effects };
};

const onTrained = (state: AwaitingPlan | Attempting): ClientStep => {
  const trained = { ...state, update: "ready" } as const;
  return trained.stage === "awaiting-update" ? maskWhenTrained(trained) : unchanged(trained);
};

type Message = Exclude<CoordinatorMessage, { readonly type: "plan" }>;

const onMessage = (state: AwaitingPlan | Attempting, message: Message): ClientStep => {
  switch (message.type) {
    case "finished":
      return finish(state, message.code);
    case "result":
      return onResult(state, message);
    case "waiting":
      return { state, effects: [{ type: "note", reason: waitingReason(state, message.members.length) }] };
    case "void":
    case "excluded":
      return isOfThisAttempt(state, message) ? backToPlan(state) : unchanged(state);
    case "received":
      return onReceived(state, message);
    case "roster":
    case "inbox":
    case "survivors":
    case "quorum":
      return onStageMessage(state, message);
  }
};

type StageMessage = Extract<Message, { readonly type: "roster" | "inbox" | "survivors" | "quorum" }>;

/** What is left of an earlier attempt is ignored; a repeat is ignored if it is the same, and refused if it is not. */
const onStageMessage = (state: AwaitingPlan | Attempting, message: StageMessage): ClientStep => {
  if (!isAttempting(state) || !isOfThisAttempt(state, message)) return unchanged(state);
  const before = state.heard.get(message.type);
  if (before !== undefined)
    return isSameMessage(before, message)
      ? unchanged(state)
      : abort(state, { code: "equivocation", message: message.type });
  const hearing = { ...state, heard: new Map(state.heard).set(message.type, message) };
  if (hearing.stage === "awaiting-roster" && message.type === "roster") return onRoster(hearing, message);
  if (hearing.stage === "awaiting-inbox" && message.type === "inbox") return onInbox(hearing, message);
  if (hearing.stage === "awaiting-survivors" && message.type === "survivors")
    return onSurvivors(hearing, message);
  if (hearing.stage === "awaiting-quorum" && message.type === "quorum") return onQuorum(hearing, message);
  return abort(state, { code: "unexpected-message", message: message.type, stage: state.stage });
};

const isOfThisAttempt = (
  state: AwaitingPlan | Attempting,
  message: { readonly round: number; readonly attempt: number },
): boolean =>
  isAttempting(state) && message.round === state.context.round && message.attempt === state.context.attempt;

/** Far more links than are lost in one upload; without a bound each request costs a line of the egress log for ever. */
const MOST_RESENDS = 1000;

/** The coordinator lacks the end of the upload: it is sent again from there, trailer and all. */
const onReceived = (
  state: AwaitingPlan | Attempting,
  message: Extract<Message, { readonly type: "received" }>,
): ClientStep => {
  if (state.stage !== "awaiting-survivors" || !isOfThisAttempt(state, message)) return unchanged(state);
  if (state.resent >= MOST_RESENDS)
    return abort(state, { code: "unexpected-message", message: "received", stage: state.stage });
  const { round, attempt } = message;
  const from = Math.min(message.bytes, state.seat.job.layout.byteLength);
  return {
    state: { ...state, resent: state.resent + 1 },
    effects: [
      { type: "upload", round, attempt, from },
      { type: "send", message: state.sent },
    ],
  };
};

const finish = (state: AwaitingPlan | Attempting, code: Finished["code"]): ClientStep => ({
  state: { stage: "finished", code },
  effects: [...backToPlan(state).effects, { type: "clear-deadline" }],
});

const waitingReason = ({ seat }: AwaitingPlan | Attempting, missing: number) =>
  ({
    code: "waiting-for-member",
    present: seat.job.members.length - missing,
    needed: seat.job.threshold,
  }) as const;

/** Says where it stands; the coordinator sends what is missing there, and ignores what it already has. */
const greet = (state: AwaitingPlan | Attempting): readonly ClientEffect[] => {
  const { applied, modelHash } = state.seat;
  const hello = { type: "hello", ...attemptOf(state), place: state.stage, applied, modelHash } as const;
  const greeting: ClientEffect = { type: "send", message: hello };
  // A masked vector is announced by its trailer: it follows when the coordinator has said how much of it arrived.
  if (!isAttempting(state) || state.sent.type === "masked") return [greeting];
  return [greeting, { type: "send", message: state.sent }];
};

const lostForLong = (state: Attempting): ClientStep => {
  const { state: next, effects } = backToPlan(state);
  return { state: next, effects: [{ type: "note", reason: { code: "link-lost" } }, ...effects] };
};

const stepApplying = (state: Applying, event: ClientEvent): ClientStep => {
  if (event.type === "applied") return onApplied(state, event.modelHash);
  if (event.type === "failed") return onApplyFailed(state, event.code);
  if (event.type === "refused")
    return abort({ stage: "awaiting-plan", seat: state.seat, update: "none" }, event.reason);
  if (event.type === "planned") return { state, effects: wiping(event.seed) };
  if (event.type === "link-restored") {
    const { applied, modelHash, history } = state.seat;
    return {
      state,
      effects: [
        {
          type: "send",
          message: { type: "hello", ...history.joined, place: "awaiting-plan", applied, modelHash },
        },
      ],
    };
  }
  return unchanged(state);
};
