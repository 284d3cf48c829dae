import { Secret } from "@bulkhead/base";
import {
  type ClientEvent,
  type ClientState,
  type CoordinatorMessage,
  isClientOver,
  openSeat,
  stepClient,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { hear, heardIn, honestRound, refusal, sentIn } from "./honest-round.ts";

const round = honestRound();
const { job, plan } = round;
const seat = round.seats.get(memberId(1))!;
const NAME = { round: 1, attempt: 1 };

/** Member 1 at each of its places, in order. */
const placesOf = (): ReadonlyMap<string, ClientState> => {
  const places = new Map<string, ClientState>();
  for (const { who, before, after } of round.ofClients)
    if (who === 1) for (const state of [before, after.state]) places.set(state.stage, state);
  const inbox = round.client(1, "inbox");
  if (inbox.before.stage !== "awaiting-inbox") throw new Error("waits for its inbox");
  const late = stepClient({ ...inbox.before, update: "training" }, inbox.event).state;
  return places.set(late.stage, late);
};
const places = placesOf();
const inAttempt = [...places].filter(([stage]) => stage !== "awaiting-plan" && stage !== "applying");
const at = (stage: string): ClientState => places.get(stage)!;

const receive = (state: ClientState, message: Exclude<CoordinatorMessage, { readonly type: "plan" }>) =>
  stepClient(state, { type: "received", message });

test("the places of a round are all here", () => {
  expect([...places.keys()].sort()).toEqual([
    "applying",
    "awaiting-inbox",
    "awaiting-plan",
    "awaiting-quorum",
    "awaiting-result",
    "awaiting-roster",
    "awaiting-survivors",
    "awaiting-update",
    "masking",
  ]);
});

describe.each(inAttempt)("a client that is %s", (_stage, state) => {
  test("ends its part where it is stopped, withdraws, or cannot train, and wipes what it has", () => {
    const ends: readonly (readonly [ClientEvent, string, string])[] = [
      [{ type: "stop", withdraws: false }, "stopped", "stopped"],
      [{ type: "stop", withdraws: true }, "consent-withdrawn", "consent-withdrawn"],
      [{ type: "failed", code: "training-failed" }, "training-failed", "training-failed"],
      [{ type: "failed", code: "masking-failed" }, "masking-failed", "training-failed"],
      [{ type: "failed", code: "internal" }, "internal", "training-failed"],
      [{ type: "refused", reason: { code: "budget-spent", what: "bytes" } }, "budget-spent", "refused"],
    ];
    for (const [event, code, leave] of ends) {
      const step = stepClient(state, event);
      expect(refusal(step)).toMatchObject({ code, leave });
      expect(step.effects.map(({ type }) => type)).toEqual([
        "note",
        "forget-secrets",
        "drop-vector",
        "clear-deadline",
        "send",
      ]);
    }
  });

  test("goes back to waiting where its attempt is void or it is excluded from it, and forgets its secrets", () => {
    for (const message of [
      { type: "void", ...NAME, code: "too-few-members" },
      { type: "excluded", ...NAME },
    ] as const) {
      const { state: next, effects } = receive(state, message);
      expect(next.stage).toBe("awaiting-plan");
      expect(effects.map(({ type }) => type)).toEqual(["forget-secrets", "drop-vector"]);
    }
  });

  test("ignores what another attempt says", () => {
    const late = { round: 1, attempt: 2 };
    for (const message of [
      { type: "void", ...late, code: "internal" },
      { type: "excluded", ...late },
      { type: "roster", ...late, adverts: [] },
      { type: "inbox", ...late, shares: [] },
      { type: "survivors", ...late, trailers: [] },
      { type: "quorum", ...late, agreements: [] },
      { type: "received", ...late, bytes: 0 },
    ] as const)
      expect(receive(state, message)).toEqual({ state, effects: [] });
  });

  test("loses the attempt where its link is away for too long, and nothing where it is not", () => {
    const { resumeMs } = job.contract.timing;
    expect(stepClient(state, { type: "link-lost" }).effects).toEqual([
      { type: "set-deadline", afterMs: resumeMs },
    ]);
    const { state: lost, effects } = stepClient(state, { type: "deadline-passed" });
    expect(lost.stage).toBe("awaiting-plan");
    expect(effects[0]).toEqual({ type: "note", reason: { code: "link-lost" } });
    expect(effects.map(({ type }) => type)).toContain("forget-secrets");
    const restored = stepClient(state, { type: "link-restored" });
    expect(restored.state).toBe(state);
    expect(restored.effects[0]).toEqual({ type: "clear-deadline" });
    expect(restored.effects[1]).toMatchObject({
      message: { type: "hello", ...NAME, place: state.stage, applied: 0 },
    });
  });

  test("is over when the coordinator ends the job", () => {
    for (const code of ["done", "failed"] as const) {
      const { state: over } = receive(state, { type: "finished", code });
      expect(over).toEqual({ stage: "finished", code });
      expect(isClientOver(over)).toBe(true);
    }
  });

  test("says that members are waited for, and waits on", () => {
    const { state: same, effects } = receive(state, { type: "waiting", ...NAME, members: [memberId(3)] });
    expect(same).toBe(state);
    expect(effects).toEqual([
      { type: "note", reason: { code: "waiting-for-member", present: 3, needed: 3 } },
    ]);
  });
});

describe("a message that has no place at this stage is refused:", () => {
  const messages = ["roster", "inbox", "survivors", "quorum"] as const;
  const PLACE = {
    roster: "awaiting-roster",
    inbox: "awaiting-inbox",
    survivors: "awaiting-survivors",
    quorum: "awaiting-quorum",
  } as const;
  const honest = new Map(messages.map((type) => [type, heardIn(round.client(1, type), type)]));
  const pairs = messages.flatMap((type) =>
    inAttempt.filter(([stage]) => stage !== PLACE[type]).map(([stage, state]) => ({ type, stage, state })),
  );

  test.each(pairs)("$type, $stage", ({ type, stage, state }) => {
    const message = honest.get(type)!;
    if (!("heard" in state)) throw new Error("takes part");
    const isRepeated = state.heard.has(type);
    const step = receive(state, message);
    // What was heard before is ignored as long as it is the same.
    if (isRepeated) expect(step).toEqual({ state, effects: [] });
    else expect(refusal(step)).toMatchObject({ code: "unexpected-message", message: type, stage });
  });
});

describe("an upload", () => {
  test("is sent again from where the coordinator lacks it, trailer and all", () => {
    const state = at("awaiting-survivors");
    const { state: same, effects } = receive(state, { type: "received", ...NAME, bytes: 40 });
    expect(same).toEqual({ ...state, resent: 1 });
    expect(effects[0]).toEqual({ type: "upload", ...NAME, from: 40 });
    expect(sentIn(effects)[0]?.type).toBe("masked");
  });

  test("is not sent again without end: a coordinator that asks on and on is left", () => {
    let step = stepClient(at("awaiting-survivors"), { type: "link-restored" });
    for (let i = 0; i < 1000; i++) step = receive(step.state, { type: "received", ...NAME, bytes: 0 });
    expect(step.state.stage).toBe("awaiting-survivors");
    step = receive(step.state, { type: "received", ...NAME, bytes: 0 });
    expect(refusal(step)).toMatchObject({ code: "unexpected-message", message: "received" });
  });

  test("is never sent from beyond its end, and not at all once the survivors are signed", () => {
    const { effects } = receive(at("awaiting-survivors"), { type: "received", ...NAME, bytes: 2 ** 40 });
    expect(effects[0]).toEqual({ type: "upload", ...NAME, from: job.layout.byteLength });
    for (const stage of ["masking", "awaiting-quorum", "awaiting-result"])
      expect(receive(at(stage), { type: "received", ...NAME, bytes: 0 }).effects).toEqual([]);
  });

  test("is not announced over a new link before the coordinator has said how much of it arrived", () => {
    const { effects } = stepClient(at("awaiting-survivors"), { type: "link-restored" });
    expect(sentIn(effects).map(({ type }) => type)).toEqual(["hello"]);
  });
});

describe("over a new link", () => {
  test("what the coordinator may lack is sent again, as it was", () => {
    for (const [stage, type] of [
      ["awaiting-roster", "advert"],
      ["awaiting-inbox", "shares"],
      ["awaiting-quorum", "agree"],
      ["awaiting-result", "unmask"],
    ] as const) {
      const state = at(stage);
      const sent = sentIn(stepClient(state, { type: "link-restored" }).effects);
      expect(sent.map((message) => message.type)).toEqual(["hello", type]);
      if (!("sent" in state)) throw new Error("has sent something");
      expect(sent[1]).toBe(state.sent);
    }
  });

  test("one that waits for a plan says which model it has", () => {
    const { effects } = stepClient(openSeat(seat).state, { type: "link-restored" });
    expect(sentIn(effects)).toEqual([
      {
        type: "hello",
        round: 0,
        attempt: 0,
        place: "awaiting-plan",
        applied: 0,
        modelHash: seat.modelHash,
      },
    ]);
  });
});

describe("a client that is over", () => {
  const over = receive(openSeat(seat).state, { type: "finished", code: "done" }).state;

  test("does nothing more, whatever it hears, but wipe the seed of a plan", () => {
    const seed = new Secret(new Uint8Array(32));
    expect(stepClient(over, { type: "planned", plan, seed })).toEqual({
      state: over,
      effects: [{ type: "forget-secrets", secrets: [seed] }],
    });
    for (const event of [
      { type: "trained" },
      { type: "link-restored" },
      { type: "stop", withdraws: true },
      { type: "received", message: heardIn(round.client(1, "roster"), "roster") },
    ] as const)
      expect(stepClient(over, event)).toEqual({ state: over, effects: [] });
  });
});

test("a step is the same for the same state and event, and leaves both as they were", () => {
  for (const { before, event, after } of round.ofClients) {
    if (event.type === "planned") continue;
    expect(stepClient(before, event)).toEqual(after);
  }
});

test("an equivocation is refused even when the second message would have been fine first", () => {
  const transition = round.client(1, "roster");
  const roster = heardIn(transition, "roster");
  const first = { ...roster, adverts: roster.adverts.slice(0, 3) };
  const { state } = hear(transition, first);
  expect(refusal(hear({ ...transition, before: state }, roster))).toMatchObject({ code: "equivocation" });
});
