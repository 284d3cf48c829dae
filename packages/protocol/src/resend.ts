/** What a member lacks where it says it stands, after a new link: the messages of its stage once more, and only those. */
import type { MemberId } from "@bulkhead/secagg";
import type { CoordinatorState } from "./coordinator-union.ts";
import { nameOf } from "./coordinator-state.ts";
import type { ClientMessage, ClientPlace, CoordinatorMessage, MessageOf } from "./messages.ts";
import { rosterMessage } from "./stages/1-advertise-keys.ts";
import { inboxMessage } from "./stages/2-share-keys.ts";
import { survivorsMessage } from "./stages/4-agree.ts";
import { quorumMessage } from "./stages/5-unmask.ts";
import type { CoordinatorEffect } from "./step.ts";

export const missingFor = (
  state: CoordinatorState,
  to: MemberId,
  hello: MessageOf<ClientMessage, "hello">,
): readonly CoordinatorEffect[] => {
  const { round, attempt } = state.context;
  const isHere = hello.round === round && hello.attempt === attempt && hello.place !== "awaiting-plan";
  if (!isHere)
    return state.stage === "collecting-adverts"
      ? [{ type: "send", to, message: state.plan }]
      : excluded(state, to, hello);
  if (
    state.stage === "collecting-inputs" &&
    state.sharers.includes(to) &&
    hello.place === "awaiting-survivors"
  )
    return state.trailers.has(to) ? [] : [{ type: "send-received", ...nameOf(state.context), to }];
  const message = nextMessage(state, to, hello.place);
  return message === undefined ? [] : [{ type: "send", to, message }];
};

/** The message that moves a client on from its place, if the attempt is beyond it. */
const nextMessage = (
  state: CoordinatorState,
  to: MemberId,
  place: ClientPlace,
): CoordinatorMessage | undefined => {
  const out: CoordinatorMessage = { type: "excluded", ...nameOf(state.context) };
  if (state.stage === "void") return { type: "void", ...nameOf(state.context), code: state.reason.code };
  if (state.stage === "collecting-adverts" || state.stage === "published") return undefined;
  if (!state.adverts.has(to)) return out;
  if (place === "awaiting-roster") return rosterMessage(state);
  if (state.stage === "collecting-shares") return undefined;
  if (!state.sharers.includes(to)) return out;
  if (place === "awaiting-inbox") return inboxMessage(state, to);
  if (state.stage === "collecting-inputs") return undefined;
  if (!state.survivors.includes(to)) return out;
  if (place === "awaiting-survivors") return survivorsMessage(state);
  if (state.stage === "collecting-agreements") return undefined;
  return place === "awaiting-quorum" ? quorumMessage(state) : undefined;
};

/** A client that still sits in an attempt that is over here is told so, and waits for the next plan. */
const excluded = (
  { context }: CoordinatorState,
  to: MemberId,
  { round, attempt, place }: MessageOf<ClientMessage, "hello">,
): readonly CoordinatorEffect[] =>
  place === "awaiting-plan" || (round === context.round && attempt === context.attempt)
    ? []
    : [{ type: "send", to, message: { type: "excluded", round, attempt } }];
