import {
  type ClientMessage,
  type ClientPlace,
  type CoordinatorState,
  type MessageOf,
  stepCoordinator,
  stopAttempt,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { heardIn, honestRound } from "./honest-round.ts";

/** Member 7 does not even advertise, member 6 deals its shares and delivers nothing. */
const round = honestRound({
  members: 7,
  silent: new Map([
    [7, "advert"],
    [6, "masked"],
  ]),
});
const stages = new Map<string, CoordinatorState>();
for (const { before } of round.ofCoordinator) stages.set(before.stage, before);
stages.set("published", round.end);

const hello = (place: ClientPlace, name = { round: 1, attempt: 1 }): MessageOf<ClientMessage, "hello"> => ({
  type: "hello",
  ...name,
  place,
  applied: 0,
  modelHash: new Uint8Array(32),
});

/** What the coordinator answers, without changing its state. */
const answers = (state: CoordinatorState, from: number, message: MessageOf<ClientMessage, "hello">) => {
  const step = stepCoordinator(state, { type: "received", from: memberId(from), message });
  expect(step.state).toBe(state);
  return step.effects.map((effect) => (effect.type === "send" ? effect.message.type : effect.type));
};
const at = (stage: string) => stages.get(stage)!;

/** For a member that is in the attempt from the first message to the last. */
const LACKS: Readonly<Record<string, Partial<Record<ClientPlace, string>>>> = {
  "collecting-adverts": {},
  "collecting-shares": { "awaiting-roster": "roster" },
  "collecting-inputs": { "awaiting-roster": "roster", "awaiting-inbox": "inbox" },
  "collecting-agreements": {
    "awaiting-roster": "roster",
    "awaiting-inbox": "inbox",
    "awaiting-survivors": "survivors",
  },
  "collecting-reveals": {
    "awaiting-roster": "roster",
    "awaiting-inbox": "inbox",
    "awaiting-survivors": "survivors",
    "awaiting-quorum": "quorum",
  },
};
const PLACES: readonly ClientPlace[] = [
  "awaiting-roster",
  "awaiting-inbox",
  "awaiting-update",
  "masking",
  "awaiting-survivors",
  "awaiting-quorum",
  "awaiting-result",
];

describe.each(Object.entries(LACKS))(
  "a survivor that comes back while the coordinator is %s",
  (stage, lacks) => {
    test.each(PLACES)("%s gets what it lacks there, and nothing else", (place) => {
      if (stage === "collecting-inputs" && place === "awaiting-survivors") return;
      expect(answers(at(stage), 1, hello(place))).toEqual(lacks[place] === undefined ? [] : [lacks[place]]);
    });
  },
);

test("the answer is the message that it would have had", () => {
  const { effects } = stepCoordinator(at("collecting-inputs"), {
    type: "received",
    from: memberId(2),
    message: hello("awaiting-inbox"),
  });
  expect(effects).toMatchObject([{ to: 2, message: heardIn(round.client(2, "inbox"), "inbox") }]);
});

test("one whose upload may not have arrived is told how much of it has, until its trailer is in", () => {
  const { before, after } = round.coordinator(1, "masked");
  expect(answers(before, 1, hello("awaiting-survivors"))).toEqual(["send-received"]);
  expect(answers(after.state, 1, hello("awaiting-survivors"))).toEqual([]);
});

test("one that waits for a plan gets it while adverts are taken, and later nothing", () => {
  expect(answers(at("collecting-adverts"), 1, hello("awaiting-plan"))).toEqual(["plan"]);
  expect(answers(at("collecting-adverts"), 1, hello("awaiting-roster", { round: 1, attempt: 9 }))).toEqual([
    "plan",
  ]);
  for (const stage of ["collecting-shares", "collecting-inputs", "collecting-reveals", "published"])
    expect(answers(at(stage), 1, hello("awaiting-plan"))).toEqual([]);
});

test("one that sits in an attempt that is over, or goes on without it, is told so", () => {
  const older = { round: 1, attempt: 9 };
  for (const stage of ["collecting-shares", "collecting-reveals"])
    expect(answers(at(stage), 1, hello("awaiting-inbox", older))).toEqual(["excluded"]);
  expect(answers(at("collecting-shares"), 7, hello("awaiting-roster"))).toEqual(["excluded"]);
  expect(answers(at("collecting-agreements"), 6, hello("awaiting-survivors"))).toEqual(["excluded"]);
  expect(answers(stopAttempt(at("collecting-inputs")).state, 1, hello("masking"))).toEqual(["void"]);
});
