/**
 * One record of each transition, from which log, status, metrics and reports are rendered. Its fields are counters,
 * codes and member numbers: there is none in which a secret, a row or free text could stand.
 */
import type { MemberId } from "@bulkhead/secagg";
import type { ClientState } from "./client.ts";
import type { CoordinatorState } from "./coordinator-union.ts";
import type { Reason } from "./reasons.ts";
import type { ClientEffect, ClientEvent, CoordinatorEffect, CoordinatorEvent, Step } from "./step.ts";

export interface Description {
  readonly side: "client" | "coordinator";
  readonly round: number;
  readonly attempt: number;
  readonly before: string;
  readonly after: string;
  readonly event: string;
  /** The message's type, where the event is a message. */
  readonly message?: string;
  readonly from?: MemberId;
  /** How many messages went out. */
  readonly sent: number;
  /** Members that have answered the stage, where it counts. */
  readonly members?: number;
  readonly reasons: readonly Reason[];
}

export const describeClient = (
  before: ClientState,
  event: ClientEvent,
  after: Step<ClientState, ClientEffect>,
): Description => ({
  side: "client",
  ...clientAttempt(before, after.state),
  before: before.stage,
  after: after.state.stage,
  event: event.type,
  ...(event.type === "received" ? { message: event.message.type } : {}),
  sent: after.effects.filter(({ type }) => type === "send").length,
  reasons: after.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : [])),
});

export const describeCoordinator = (
  before: CoordinatorState,
  event: CoordinatorEvent,
  after: Step<CoordinatorState, CoordinatorEffect>,
): Description => {
  const { round, attempt } = before.context;
  const members = answered(after.state);
  return {
    side: "coordinator",
    round,
    attempt,
    before: before.stage,
    after: after.state.stage,
    event: event.type,
    ...(event.type === "received" ? { message: event.message.type } : {}),
    ...("from" in event ? { from: event.from } : {}),
    sent: after.effects.filter(({ type }) => type === "send").length,
    ...(members === undefined ? {} : { members }),
    reasons: after.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : [])),
  };
};

const clientAttempt = (
  before: ClientState,
  after: ClientState,
): { readonly round: number; readonly attempt: number } => {
  for (const state of [after, before]) {
    if ("context" in state) return { round: state.context.round, attempt: state.context.attempt };
    if (state.stage === "applying") return { round: state.result.round, attempt: state.result.attempt };
    if (state.stage === "awaiting-plan") return state.seat.history.joined;
  }
  return { round: 0, attempt: 0 };
};

const answered = (state: CoordinatorState): number | undefined => {
  switch (state.stage) {
    case "collecting-adverts":
      return state.adverts.size;
    case "collecting-shares":
      return state.dealt.size;
    case "collecting-inputs":
      return state.folded.size;
    case "collecting-agreements":
      return state.agreements.size;
    case "collecting-reveals":
    case "unmasking":
      return state.revealed.size;
    case "published":
      return state.survivors.length;
    case "void":
      return undefined;
  }
};
