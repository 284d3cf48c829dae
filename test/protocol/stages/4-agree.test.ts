import { encodeCanonical } from "@bulkhead/base";
import {
  type ClientState,
  type CoordinatorState,
  maskedPayload,
  signPayload,
  stepClient,
  stepCoordinator,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { flipped, hear, heardIn, honestRound, refusal } from "../honest-round.ts";

const round = honestRound();
const { people, context, job } = round;
const at = round.client(1, "survivors");
const survivors = heardIn(at, "survivors");
const id = memberId;
const state = at.before;
if (state.stage !== "awaiting-survivors") throw new Error("member 1 waits for the survivors");

const withTrailers = (change: (trailers: typeof survivors.trailers) => typeof survivors.trailers) =>
  hear(at, { ...survivors, trailers: change(survivors.trailers) });
const replaced = (from: number, changed: Partial<(typeof survivors.trailers)[number]>) =>
  withTrailers((trailers) => trailers.map((one) => (one.from === from ? { ...one, ...changed } : one)));
const trailerOf = (from: number, sharersDigest: Uint8Array) => {
  const payload = encodeCanonical(maskedPayload, {
    byteLength: job.layout.byteLength,
    digest: new Uint8Array(32),
    sharersDigest,
  });
  const place = { stage: "masked", context, transcript: state.transcript, from: id(from) } as const;
  return signPayload(place, payload, people.signingKeys.get(id(from))!);
};

describe("a set of survivors is refused", () => {
  test("with one that does not share, twice, or out of order", () => {
    const [first] = survivors.trailers;
    expect(refusal(withTrailers((trailers) => [...trailers, { ...first!, from: id(9) }]))).toEqual({
      code: "not-a-subset",
      message: "survivors",
      leave: "refused",
    });
    expect(refusal(withTrailers((trailers) => [...trailers, trailers[3]!])).code).toBe("not-a-subset");
    expect(refusal(withTrailers((trailers) => trailers.toReversed())).code).toBe("not-a-subset");
  });

  test("without oneself, or with another trailer of one's own", () => {
    expect(refusal(withTrailers((trailers) => trailers.slice(1))).code).toBe("self-missing");
    expect(refusal(replaced(1, trailerOf(1, state.sharersDigest))).code).toBe("own-message-altered");
  });

  test("with a trailer that its sender has not signed", () => {
    expect(refusal(replaced(3, { signature: flipped(survivors.trailers[2]!.signature) }))).toMatchObject({
      code: "bad-signature",
      from: 3,
      message: "masked",
    });
  });

  test("with a trailer whose sender was shown other sharers", () => {
    expect(replaced(3, trailerOf(3, state.sharersDigest)).state.stage).toBe("awaiting-quorum");
    expect(refusal(replaced(3, trailerOf(3, new Uint8Array(32))))).toMatchObject({
      code: "sharers-differ",
      from: 3,
    });
  });

  test("with fewer than the threshold asks", () => {
    expect(withTrailers((trailers) => trailers.slice(0, 3)).state.stage).toBe("awaiting-quorum");
    expect(refusal(withTrailers((trailers) => trailers.slice(0, 2)))).toMatchObject({
      code: "too-few-members",
      present: 2,
      needed: 3,
    });
  });

  test("where the contract's minimum is above the threshold, with fewer than that", () => {
    const wide = honestRound({ members: 5, minimum: 5 });
    const place = wide.client(1, "survivors");
    const all = heardIn(place, "survivors");
    expect(refusal(hear(place, { ...all, trailers: all.trailers.slice(0, 4) }))).toMatchObject({
      code: "too-few-members",
      present: 4,
      needed: 5,
    });
  });
});

describe("the cohort rule", () => {
  const remembering = (modelHash: Uint8Array, strictCohorts: boolean): ClientState => ({
    ...state,
    seat: {
      ...state.seat,
      strictCohorts,
      history: {
        ...state.seat.history,
        signed: [{ round: 0, attempt: 1, survivors: [id(1), id(2), id(3)], modelHash }],
      },
    },
  });
  const step = (before: ClientState) => stepClient(before, { type: "received", message: survivors });

  test("always refuses another cohort on the same model", () => {
    expect(refusal(step(remembering(context.modelHash, false)))).toMatchObject({
      code: "cohort-difference",
      members: 1,
      least: 3,
    });
  });

  test("refuses one that differs by few members on another model where the site asks for it", () => {
    const other = new Uint8Array(32);
    expect(step(remembering(other, false)).state.stage).toBe("awaiting-quorum");
    expect(refusal(step(remembering(other, true))).code).toBe("cohort-difference");
  });
});

describe("a client that agrees", () => {
  const { state: agreed, effects } = at.after;

  test("has it in its journal before it says so", () => {
    expect(effects.map(({ type }) => type)).toEqual(["persist", "send"]);
    expect(effects[0]).toMatchObject({
      entry: { type: "signed", round: 1, attempt: 1, survivors: [1, 2, 3, 4], modelHash: context.modelHash },
    });
  });

  test("signs no second set: the same once more changes nothing, another is an equivocation", () => {
    expect(hear({ ...at, before: agreed }, survivors)).toEqual({ state: agreed, effects: [] });
    const other = { ...survivors, trailers: survivors.trailers.slice(0, 3) };
    expect(refusal(hear({ ...at, before: agreed }, other))).toMatchObject({ code: "equivocation" });
  });
});

describe("the coordinator", () => {
  const { before, event } = round.coordinator(1, "agree");
  if (event.type !== "received" || event.message.type !== "agree") throw new Error("member 1 agrees");
  const { message } = event;
  const collecting = before;
  if (collecting.stage !== "collecting-agreements") throw new Error("collects agreements");

  const reasonOf = (from: number, changed: object, stood: CoordinatorState = collecting) => {
    const step = stepCoordinator(stood, { ...event, from: id(from), message: { ...message, ...changed } });
    expect(step.state).toBe(stood);
    return step.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : []))[0];
  };

  test("takes a signature over this very set, once, from the survivor that gave it", () => {
    expect(reasonOf(1, { signature: flipped(message.signature, 40) })).toMatchObject({
      code: "bad-signature",
    });
    expect(reasonOf(2, {})).toMatchObject({ code: "bad-signature", from: 2 });
    const { state: one } = stepCoordinator(collecting, event);
    expect(reasonOf(1, {}, one)).toEqual({ code: "late-or-repeated", message: "agree" });
  });

  test("tells those who have signed when they are enough, and a survivor that signs later when it does", () => {
    const third = round.coordinator(3, "agree");
    const quorum = third.after.effects.flatMap((effect) =>
      effect.type === "send" && effect.message.type === "quorum" ? [effect.to] : [],
    );
    expect(third.after.state.stage).toBe("collecting-reveals");
    expect(quorum).toEqual([1, 2, 3]);
    const fourth = stepCoordinator(third.after.state, round.coordinator(4, "agree").event);
    expect(fourth.state).toBe(third.after.state);
    expect(fourth.effects).toMatchObject([{ type: "send", to: 4, message: { type: "quorum" } }]);
    const again = stepCoordinator(third.after.state, round.coordinator(3, "agree").event);
    expect(again.effects.map(({ type }) => type)).toEqual(["note"]);
  });

  test("waits without end for the rest once one has signed, and goes on when they have", () => {
    const { state: one } = stepCoordinator(collecting, event);
    const waiting = stepCoordinator(one, { type: "deadline-passed" });
    expect(waiting.state).toMatchObject({ stage: "collecting-agreements", isWaiting: true });
    expect(waiting.effects).toContainEqual({
      type: "send",
      to: 2,
      message: { type: "waiting", round: 1, attempt: 1, members: [2, 3, 4] },
    });
    const still = stepCoordinator(waiting.state, { type: "deadline-passed" });
    expect(still.state).toBe(waiting.state);
    let goes = waiting.state;
    for (const from of [2, 3])
      ({ state: goes } = stepCoordinator(goes, round.coordinator(from, "agree").event));
    expect(goes.stage).toBe("collecting-reveals");
  });

  test("gives the attempt up where nobody has signed", () => {
    const { state: ended } = stepCoordinator(collecting, { type: "deadline-passed" });
    expect(ended).toMatchObject({
      stage: "void",
      reason: { stage: "agreements", present: 0 },
      isFinal: false,
    });
  });
});
