import { decodeCanonical, encodeCanonical } from "@bulkhead/base";
import {
  agreedPayload,
  type CoordinatorState,
  signPayload,
  stepCoordinator,
  trailersDigest,
  unmaskPayload,
  type UnmaskPayload,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { flipped, hear, heardIn, honestRound, refusal, sentIn } from "../honest-round.ts";

/** Member 4 has dealt its shares and delivers nothing: one kind of share for it, the other for the rest. */
const round = honestRound({ members: 4, silent: new Map([[4, "masked"]]) });
const { people } = round;
const at = round.client(1, "quorum");
const quorum = heardIn(at, "quorum");
const id = memberId;

const withAgreements = (change: (agreements: typeof quorum.agreements) => typeof quorum.agreements) =>
  hear(at, { ...quorum, agreements: change(quorum.agreements) });

describe("a quorum is refused", () => {
  test("with fewer signatures than the threshold asks", () => {
    expect(quorum.agreements).toHaveLength(3);
    expect(refusal(withAgreements((agreements) => agreements.slice(1)))).toEqual({
      code: "no-quorum",
      valid: 2,
      needed: 3,
      leave: "refused",
    });
    expect(refusal(withAgreements(() => [])).code).toBe("no-quorum");
  });

  test("that counts one signature more than once, whoever it is said to be of", () => {
    const twice = refusal(withAgreements(([first, second]) => [first!, second!, second!]));
    expect(twice).toMatchObject({ code: "no-quorum", valid: 2 });
    const renamed = refusal(
      withAgreements(([first, second]) => [first!, second!, { ...second!, from: id(3) }]),
    );
    expect(renamed).toMatchObject({ valid: 2 });
  });

  test("that counts one who is not among the survivors, even if it has signed the set", () => {
    const { before } = at;
    if (before.stage !== "awaiting-quorum") throw new Error("member 1 waits for the quorum");
    const { context, transcript, agreed } = before;
    const place = { stage: "agree", context, transcript, from: id(4) } as const;
    const { signature } = signPayload(place, agreedPayload(agreed), people.signingKeys.get(id(4))!);
    const step = withAgreements(([first, second]) => [first!, second!, { from: id(4), signature }]);
    expect(refusal(step)).toMatchObject({ code: "no-quorum", valid: 2 });
  });

  test("over another set than the one that was signed here", () => {
    const full = honestRound();
    const other = heardIn(full.client(1, "quorum"), "quorum");
    expect(refusal(hear(at, { ...quorum, agreements: other.agreements })).code).toBe("no-quorum");
    const { before } = at;
    if (before.stage !== "awaiting-quorum") throw new Error("member 1 waits for the quorum");
    const { context, transcript, agreed } = before;
    const larger = { ...agreed, survivors: [1, 2, 3, 4].map((place) => id(place)) };
    const agreements = [1, 2, 3].map((from) => ({
      from: id(from),
      signature: signPayload(
        { stage: "agree", context, transcript, from: id(from) },
        agreedPayload(larger),
        people.signingKeys.get(id(from))!,
      ).signature,
    }));
    expect(refusal(hear(at, { ...quorum, agreements }))).toMatchObject({ code: "no-quorum", valid: 0 });
  });
});

describe("a client that reveals", () => {
  const { state, effects } = at.after;
  const sent = sentIn(effects)[0];
  if (sent?.type !== "unmask") throw new Error("member 1 reveals");
  const { shares } = decodeCanonical(unmaskPayload, sent.payload);

  test("has it in its journal before, and forgets its secrets after", () => {
    expect(effects.map(({ type }) => type)).toEqual(["persist", "send", "forget-secrets", "drop-vector"]);
    expect(effects[0]).toEqual({ type: "persist", entry: { type: "revealed", round: 1, attempt: 1 } });
    const forgotten = effects.find(({ type }) => type === "forget-secrets");
    if (forgotten?.type !== "forget-secrets") throw new Error("forgets");
    // Five of its own, what opened the boxes of three others, and two shares of each of the four owners.
    expect(forgotten.secrets).toHaveLength(5 + 3 + 2 * 4);
    expect(state).not.toHaveProperty("secrets");
    expect(state).not.toHaveProperty("held");
  });

  test("gives one share of each sharer: of the self mask of those who delivered, of the mask key of the other", () => {
    expect(shares.map(({ owner, kind }) => [owner, kind])).toEqual([
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 1],
    ]);
  });

  test("gives nothing a second time", () => {
    expect(hear({ ...at, before: state }, quorum)).toEqual({ state, effects: [] });
    const other = { ...quorum, agreements: quorum.agreements.toReversed() };
    expect(refusal(hear({ ...at, before: state }, other))).toMatchObject({
      code: "equivocation",
      message: "quorum",
    });
  });
});

describe("the coordinator", () => {
  const { before, event } = round.coordinator(1, "unmask");
  if (event.type !== "received" || event.message.type !== "unmask") throw new Error("member 1 reveals");
  if (before.stage !== "collecting-reveals") throw new Error("collects reveals");
  const { message } = event;
  const { shares } = decodeCanonical(unmaskPayload, message.payload);

  const says = (changed: UnmaskPayload["shares"]) => {
    const payload = encodeCanonical(unmaskPayload, { shares: changed });
    const { context, transcript } = before;
    const place = { stage: "unmask", context, transcript, from: id(1) } as const;
    return { ...message, ...signPayload(place, payload, people.signingKeys.get(id(1))!) };
  };
  const reasonOf = (changed: typeof message, from = 1, state: CoordinatorState = before) => {
    const step = stepCoordinator(state, { ...event, from: id(from), message: changed });
    expect(step.state).toBe(state);
    return step.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : []))[0];
  };

  test("takes shares once, from the survivor that signed them", () => {
    expect(reasonOf({ ...message, payload: flipped(message.payload, 9) })).toMatchObject({
      code: "bad-signature",
    });
    expect(reasonOf(message, 2)).toMatchObject({ code: "bad-signature", from: 2 });
    expect(reasonOf(message, 4)).toEqual({ code: "late-or-repeated", message: "unmask" });
    const { state } = stepCoordinator(before, event);
    expect(reasonOf(message, 1, state)).toEqual({ code: "late-or-repeated", message: "unmask" });
    expect(stepCoordinator(before, { ...event, message: says(shares) }).state).not.toBe(before);
  });

  test("takes only the kind of share that the survivors call for, one of each owner, in order", () => {
    const malformed = { code: "malformed", message: "unmask" };
    const kindSwapped = shares.map((share) => (share.owner === 2 ? { ...share, kind: 1 } : share));
    expect(reasonOf(says(kindSwapped))).toEqual(malformed);
    expect(reasonOf(says(shares.slice(1)))).toEqual(malformed);
    expect(reasonOf(says([...shares, shares[0]!]))).toEqual(malformed);
    expect(reasonOf(says(shares.toReversed()))).toEqual(malformed);
  });

  test("names the owner of a share that is not what it dealt to this holder", () => {
    const wrong = (owner: number, change: (share: (typeof shares)[number]) => object) =>
      says(shares.map((share) => (share.owner === owner ? { ...share, ...change(share) } : share)));
    expect(reasonOf(wrong(3, ({ share }) => ({ share: flipped(share) })))).toEqual({
      code: "bad-share",
      dealer: 3,
    });
    const ofTwo = round.coordinator(2, "unmask").event;
    if (ofTwo.type !== "received" || ofTwo.message.type !== "unmask") throw new Error("member 2 reveals");
    const others = decodeCanonical(unmaskPayload, ofTwo.message.payload).shares;
    expect(reasonOf(says(others))).toEqual({ code: "bad-share", dealer: 1 });
  });

  test("needs as many holders as the threshold says, and then asks to take the masks off", () => {
    const second = round.coordinator(2, "unmask").after.state;
    expect(second.stage).toBe("collecting-reveals");
    const third = round.coordinator(3, "unmask").after;
    expect(third.state.stage).toBe("unmasking");
    const effect = third.effects.find(({ type }) => type === "unmask");
    if (effect?.type !== "unmask") throw new Error("takes the masks off");
    // A self mask for each of the three survivors, and each one's pair mask with the one that is lost.
    expect(effect.streams.map(({ sign }) => sign)).toEqual([-1, -1, -1, -1, -1, -1]);
    expect(effect.survivors).toEqual([1, 2, 3]);
  });

  test("waits without end for shares that are missing: they are of this set alone", () => {
    const { state } = stepCoordinator(before, event);
    const waiting = stepCoordinator(state, { type: "deadline-passed" });
    expect(waiting.state).toMatchObject({ stage: "collecting-reveals", isWaiting: true });
    expect(waiting.effects).toContainEqual({
      type: "send",
      to: 3,
      message: { type: "waiting", round: 1, attempt: 1, members: [2, 3] },
    });
    expect(stepCoordinator(waiting.state, { type: "deadline-passed" }).state).toBe(waiting.state);
  });

  test("what was agreed names the trailers too: another trailer is another agreement", () => {
    const digest = trailersDigest(before.trailers);
    const [first, ...rest] = [...before.trailers];
    const [member, trailer] = first!;
    const altered = { ...trailer, signed: { ...trailer.signed, payload: flipped(trailer.signed.payload) } };
    expect(trailersDigest(new Map([[member, altered], ...rest]))).not.toEqual(digest);
    expect(trailersDigest(new Map(rest))).not.toEqual(digest);
  });
});
