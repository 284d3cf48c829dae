import { encodeCanonical } from "@bulkhead/base";
import {
  type AdvertPayload,
  advertPayload,
  attemptContext,
  type AttemptContext,
  type CoordinatorEvent,
  type CoordinatorState,
  NO_TRANSCRIPT,
  openAttempt,
  signPayload,
  stepCoordinator,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";
import { complaint, flipped, hear, heardIn, honestRound, refusal } from "../honest-round.ts";

const round = honestRound();
const { people, context, plan, job } = round;
const at = round.client(1, "roster");
const roster = heardIn(at, "roster");
const id = memberId;
const random = new SeededRandom("adverts");

const withAdverts = (change: (adverts: typeof roster.adverts) => typeof roster.adverts) =>
  hear(at, { ...roster, adverts: change(roster.adverts) });

/** An advert that this member has really signed. */
const advertOf = (
  from: number,
  changed: Partial<AdvertPayload> = {},
  inContext: AttemptContext = context,
) => {
  const payload = encodeCanonical(advertPayload, {
    maskKey: random.bytes(32),
    shareKey: random.bytes(32),
    selfMaskCommitment: random.bytes(32),
    treeHead: NO_TRANSCRIPT,
    ...changed,
  });
  const place = { stage: "advert", context: inContext, transcript: NO_TRANSCRIPT, from: id(from) } as const;
  return { from: id(from), ...signPayload(place, payload, people.signingKeys.get(id(from))!) };
};

const replaced = (advert: ReturnType<typeof advertOf>) =>
  withAdverts((adverts) => adverts.map((other) => (other.from === advert.from ? advert : other)));

describe("a roster is refused", () => {
  test("that names a member that the contract does not", () => {
    const step = withAdverts((adverts) => [...adverts, { ...adverts[3]!, from: id(5) }]);
    expect(refusal(step).code).toBe("unknown-member");
  });

  test("that names a member twice, or out of order", () => {
    expect(refusal(withAdverts((adverts) => [...adverts, adverts[3]!])).code).toBe("unknown-member");
    expect(refusal(withAdverts((adverts) => adverts.toReversed())).code).toBe("unknown-member");
  });

  test("with an advert that its member has not signed, for this attempt, under its own number", () => {
    const forged = { ...roster.adverts[1]!, payload: flipped(roster.adverts[1]!.payload) };
    expect(refusal(replaced(forged))).toMatchObject({ code: "bad-signature", from: 2, message: "advert" });
    expect(refusal(replaced({ ...roster.adverts[2]!, from: id(2) })).code).toBe("bad-signature");
    const later = attemptContext(job, { round: 1, attempt: 2 }, context.modelHash);
    expect(refusal(replaced(advertOf(2, {}, later))).code).toBe("bad-signature");
    const otherModel = attemptContext(job, context, new Uint8Array(32));
    expect(refusal(replaced(advertOf(2, {}, otherModel))).code).toBe("bad-signature");
  });

  test("in which two members, or one member twice, have a key", () => {
    const shared = random.bytes(32);
    const step = withAdverts(([own, , , last]) => [
      own!,
      advertOf(2, { maskKey: shared }),
      advertOf(3, { shareKey: shared }),
      last!,
    ]);
    expect(refusal(step)).toMatchObject({ code: "duplicate-key", from: 3 });
    expect(refusal(replaced(advertOf(2, { maskKey: shared, shareKey: shared }))).code).toBe("duplicate-key");
  });

  test("without oneself, or with something else under one's name", () => {
    expect(refusal(withAdverts((adverts) => adverts.slice(1)))).toMatchObject({
      code: "self-missing",
      message: "roster",
    });
    expect(refusal(replaced(advertOf(1)))).toMatchObject({ code: "own-message-altered", message: "roster" });
  });

  test("with fewer members than the threshold asks, oneself counted", () => {
    expect(withAdverts((adverts) => adverts.slice(0, 3)).state.stage).toBe("awaiting-inbox");
    expect(refusal(withAdverts((adverts) => adverts.slice(0, 2)))).toMatchObject({
      code: "too-few-members",
      present: 2,
      needed: 3,
    });
  });

  test("whose keys are of low order: shares would be sealed for everyone", () => {
    const step = replaced(advertOf(2, { shareKey: new Uint8Array(32) }));
    expect(complaint(step)).toEqual({ code: "bad-share", about: 2 });
  });

  test("that differs from the one that was answered", () => {
    const { state } = hear(at, roster);
    const other = { ...roster, adverts: roster.adverts.slice(0, 3) };
    expect(refusal(hear({ ...at, before: state }, other))).toMatchObject({ code: "equivocation" });
    expect(hear({ ...at, before: state }, roster)).toEqual({ state, effects: [] });
  });
});

describe("the coordinator", () => {
  const opened: CoordinatorState = openAttempt({
    context,
    plan,
    gone: new Set(),
    leftOut: new Set([id(4)]),
  }).state;
  const says = (from: number, { payload, signature }: ReturnType<typeof advertOf>): CoordinatorEvent => ({
    type: "received",
    from: id(from),
    message: { type: "advert", round: 1, attempt: 1, payload, signature },
  });
  const reasonOf = (state: CoordinatorState, event: CoordinatorEvent) => {
    const step = stepCoordinator(state, event);
    expect(step.state).toBe(state);
    return step.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : []))[0];
  };

  test("takes an advert once, and only from the member that signed it", () => {
    const first = advertOf(1);
    const { state, effects } = stepCoordinator(opened, says(1, first));
    expect(effects[0]).toEqual({ type: "persist", event: says(1, first) });
    expect(reasonOf(state, says(1, first))).toEqual({ code: "late-or-repeated", message: "advert" });
    expect(reasonOf(state, says(2, first))).toMatchObject({ code: "bad-signature", from: 2 });
  });

  test("takes no key twice, and no advert of a dealer that is left out", () => {
    const { state } = stepCoordinator(opened, says(1, advertOf(1, { maskKey: NO_TRANSCRIPT })));
    expect(reasonOf(state, says(2, advertOf(2, { shareKey: NO_TRANSCRIPT })))).toEqual({
      code: "duplicate-key",
      from: 2,
    });
    expect(reasonOf(opened, says(4, advertOf(4)))).toMatchObject({ code: "late-or-repeated" });
  });

  test("closes when all have answered but those that are left out, and tells these", () => {
    let state: CoordinatorState = opened;
    for (const from of [1, 2]) ({ state } = stepCoordinator(state, says(from, advertOf(from))));
    const { state: closed, effects } = stepCoordinator(state, says(3, advertOf(3)));
    expect(closed.stage).toBe("collecting-shares");
    expect(
      effects
        .slice(1)
        .map((effect) => (effect.type === "send" ? [effect.to, effect.message.type] : effect.type)),
    ).toEqual([[1, "roster"], [2, "roster"], [3, "roster"], [4, "excluded"], "set-deadline"]);
  });

  test("ends the attempt where its deadline finds too few", () => {
    const { state } = stepCoordinator(opened, says(1, advertOf(1)));
    const { state: ended } = stepCoordinator(state, { type: "deadline-passed" });
    expect(ended).toMatchObject({
      stage: "void",
      reason: { code: "too-few-members", stage: "adverts", present: 1, needed: 3 },
      isFinal: false,
    });
  });

  test("does not count the advert of a member that has gone since", () => {
    const { state } = stepCoordinator(opened, says(1, advertOf(1)));
    const { state: without } = stepCoordinator(state, { type: "lost", from: id(1) });
    expect(without).toMatchObject({ adverts: new Map(), gone: new Set([id(1)]) });
    expect(stepCoordinator(without, says(1, advertOf(1))).state).toMatchObject({ gone: new Set() });
  });
});
