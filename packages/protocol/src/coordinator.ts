/** The coordinator's machine: the union of its places, which message goes where, and when a stage closes. */
import { byMember, type MemberId } from "@bulkhead/secagg";
import type { AttemptContext } from "./context.ts";
import { type Attempt, nameOf, tooFew, type Void, voidAttempt } from "./coordinator-state.ts";
import type { ClientMessage, CoordinatorMessage, MessageOf } from "./messages.ts";
import type { Reason } from "./reasons.ts";
import type { Collecting, CoordinatorState } from "./coordinator-union.ts";
import { missingFor } from "./resend.ts";
import { type CollectingAdverts, hasAllAdverts, onAdvert } from "./stages/1-advertise-keys.ts";
import { closeAdverts, hasAllShares, onShares } from "./stages/2-share-keys.ts";
import { closeShares, foldEffect, hasAllInputs, onFolded, onMaskedInput } from "./stages/3-masked-input.ts";
import { closeInputs, hasQuorum, onAgree } from "./stages/4-agree.ts";
import { closeAgreements, hasAllReveals, onLateAgree, onUnmask, unmaskStreams } from "./stages/5-unmask.ts";
import { closeReveals, onSummed, type Published } from "./stages/6-result.ts";
import type { CoordinatorEffect, CoordinatorEvent, Step } from "./step.ts";

type CoordinatorStep = Step<CoordinatorState, CoordinatorEffect>;

export interface Opening {
  readonly context: AttemptContext;
  readonly plan: MessageOf<CoordinatorMessage, "plan">;
  /** Members without a link now: their adverts are not waited for. */
  readonly gone: ReadonlySet<MemberId>;
  /** Dealers of bad shares in an earlier attempt of this round. */
  readonly leftOut: ReadonlySet<MemberId>;
}

export const openAttempt = ({
  context,
  plan,
  gone,
  leftOut,
}: Opening): Step<CollectingAdverts, CoordinatorEffect> => ({
  state: {
    stage: "collecting-adverts",
    context,
    plan,
    gone,
    leftOut,
    complaints: new Set(),
    adverts: new Map(),
  },
  effects: [
    ...context.job.members.map(({ id }) => ({ type: "send", to: id, message: plan }) as const),
    { type: "set-deadline", afterMs: context.job.contract.timing.stageMs },
  ],
});

export const isCoordinatorOver = (state: CoordinatorState): state is Published | Void =>
  state.stage === "published" || state.stage === "void";

/**
 * Moves the coordinator one step on. Pure: same state and event, same step. Every event that changes the state is
 * persisted before anything that depends on it is sent: the journal is these events, and replaying them is recovery.
 */
export const stepCoordinator = (state: CoordinatorState, event: CoordinatorEvent): CoordinatorStep => {
  if (event.type === "received" && event.message.type === "hello")
    return { state, effects: missingFor(state, event.from, event.message) };
  const heard = hear(state, event);
  if ("code" in heard) return { state, effects: [{ type: "note", from: senderOf(event), reason: heard }] };
  if (heard.state === state) return heard;
  const settled = isCoordinatorOver(heard.state) ? { state: heard.state, effects: [] } : settle(heard.state);
  return {
    state: settled.state,
    effects: [{ type: "persist", event }, ...heard.effects, ...settled.effects],
  };
};

/** What to do again after a restart, when the journal has been replayed; members get the rest when they say hello. */
export const resumeCoordinator = (state: CoordinatorState): readonly CoordinatorEffect[] => {
  const { stageMs, trainMs } = state.context.job.contract.timing;
  switch (state.stage) {
    case "collecting-inputs": {
      const pending = [...state.trailers].filter(([id]) => !state.folded.has(id));
      return [
        { type: "set-deadline", afterMs: trainMs },
        ...pending.map(([id, trailer]) => foldEffect(state, id, trailer)),
      ];
    }
    case "unmasking": {
      const streams = unmaskStreams(state);
      return "code" in streams
        ? []
        : [{ type: "unmask", ...nameOf(state.context), streams, survivors: state.survivors }];
    }
    case "published":
      return [
        { type: "publish", ...nameOf(state.context), survivors: state.survivors, sumDigest: state.sumDigest },
      ];
    case "void":
      return [];
    case "collecting-adverts":
    case "collecting-shares":
    case "collecting-agreements":
    case "collecting-reveals":
      return [{ type: "set-deadline", afterMs: stageMs }];
  }
};

const senderOf = (event: CoordinatorEvent): MemberId | undefined =>
  "from" in event ? event.from : undefined;

const stepTo = (state: CoordinatorState | Reason): CoordinatorStep | Reason =>
  "code" in state ? state : { state, effects: [] };

const hear = (state: CoordinatorState, event: CoordinatorEvent): CoordinatorStep | Reason => {
  switch (event.type) {
    case "received":
      return onMessage(state, event.from, event.message);
    case "folded":
      return state.stage === "collecting-inputs"
        ? onFolded(state, event.from, event.outcome)
        : { code: "late-or-repeated", message: "fold" };
    case "summed":
      return state.stage === "unmasking"
        ? onSummed(state, event)
        : { code: "late-or-repeated", message: "sum" };
    case "lost":
      return onGone(state, event.from);
    case "deadline-passed":
      return isCollecting(state) ? close(state) : { state, effects: [] };
  }
};

const isCollecting = (state: CoordinatorState): state is Collecting =>
  !isCoordinatorOver(state) && state.stage !== "unmasking";

/** A message of another attempt or stage is late or forged, a second one is a repeat: neither changes anything. */
const onMessage = (
  state: CoordinatorState,
  from: MemberId,
  message: ClientMessage,
): CoordinatorStep | Reason => {
  const { round, attempt } = state.context;
  const late: Reason = { code: "late-or-repeated", message: message.type };
  if (message.round !== round || message.attempt !== attempt) return late;
  if (!state.context.job.memberById.has(from)) return { code: "unknown-member" };
  switch (message.type) {
    case "advert":
      return state.stage === "collecting-adverts" ? stepTo(onAdvert(state, from, message)) : late;
    case "shares":
      return state.stage === "collecting-shares" ? stepTo(onShares(state, from, message)) : late;
    case "masked":
      return state.stage === "collecting-inputs" ? onMaskedInput(state, from, message) : late;
    case "agree":
      if (state.stage === "collecting-reveals") return onLateAgree(state, from);
      return state.stage === "collecting-agreements" ? stepTo(onAgree(state, from, message)) : late;
    case "unmask":
      return state.stage === "collecting-reveals" ? stepTo(onUnmask(state, from, message)) : late;
    case "leave":
      return onLeave(state, from, message);
    case "hello":
      return { state, effects: [] };
  }
};

const onLeave = (
  state: CoordinatorState,
  from: MemberId,
  { code, about }: MessageOf<ClientMessage, "leave">,
): CoordinatorStep | Reason => {
  const left = onGone(state, from);
  if ("code" in left || left.state === state) return left;
  const complaints = about === undefined ? state.complaints : new Set(state.complaints).add(about);
  return {
    state: { ...left.state, complaints },
    effects: [{ type: "note", from, reason: { code: "left", why: code } }],
  };
};

/** Nobody waits for this member any longer; what it has delivered stays. */
const onGone = (state: CoordinatorState, from: MemberId): CoordinatorStep | Reason => {
  if (!isCollecting(state) || state.gone.has(from)) return { state, effects: [] };
  const gone = new Set([...state.gone, from].sort(byMember));
  if (state.stage !== "collecting-adverts") return { state: { ...state, gone }, effects: [] };
  // It may come back with fresh secrets only in another attempt: an advert whose secrets are lost would stall this one.
  const adverts = new Map(state.adverts);
  adverts.delete(from);
  return { state: { ...state, gone, adverts }, effects: [] };
};

/** Closes the stage if nobody is left to wait for, or ends the attempt if those who are left are too few. */
const settle = (state: Exclude<CoordinatorState, Published | Void>): CoordinatorStep => {
  if (state.stage === "unmasking") return { state, effects: [] };
  if (isComplete(state)) return close(state);
  return { state, effects: [] };
};

const isComplete = (state: Collecting): boolean => {
  switch (state.stage) {
    case "collecting-adverts":
      return hasAllAdverts(state);
    case "collecting-shares":
      return hasAllShares(state);
    case "collecting-inputs":
      return hasAllInputs(state);
    case "collecting-agreements":
      return hasQuorum(state);
    case "collecting-reveals":
      return hasAllReveals(state);
  }
};

const close = (state: Collecting): CoordinatorStep => {
  switch (state.stage) {
    case "collecting-adverts":
      return closeAdverts(state);
    case "collecting-shares":
      return closeShares(state);
    case "collecting-inputs":
      return closeInputs(state);
    case "collecting-agreements":
      return state.isWaiting && !hasQuorum(state) ? { state, effects: [] } : closeAgreements(state);
    case "collecting-reveals":
      return state.isWaiting && !hasAllReveals(state) ? { state, effects: [] } : closeReveals(state);
  }
};

/** Ends an attempt from outside: the provider stops the job. */
export const stopAttempt = (state: Attempt): Step<Void, CoordinatorEffect> =>
  voidAttempt(state, tooFew("stopped", 0, state.context.job.least));
