import { encodeCanonical } from "@bulkhead/base";
import {
  type CoordinatorState,
  maskedPayload,
  type MaskedPayload,
  signPayload,
  stepClient,
  stepCoordinator,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { flipped, honestRound, sentIn } from "../honest-round.ts";

const round = honestRound();
const { people, context, job } = round;
const id = memberId;

describe("a client masks", () => {
  const { after } = round.client(2, "inbox");
  const masked = round.client(2, "masked");

  test("when it has trained, and its inbox is there; whichever comes last", () => {
    const inboxBeforeTraining = round.client(1, "inbox").before;
    if (inboxBeforeTraining.stage !== "awaiting-inbox") throw new Error("waits for its inbox");
    const event = round.client(1, "inbox").event;
    const waits = stepClient({ ...inboxBeforeTraining, update: "training" }, event);
    expect(waits.state.stage).toBe("awaiting-update");
    expect(waits.effects).toEqual([]);
    const masks = stepClient(waits.state, { type: "trained" });
    expect(masks.state.stage).toBe("masking");
    expect(masks.effects.map(({ type }) => type)).toEqual(["mask"]);
    const ready = stepClient({ ...inboxBeforeTraining, update: "ready" }, event);
    expect(ready.state.stage).toBe("masking");
  });

  test("with one stream of its own and one for each other sharer, + towards those after it", () => {
    const effect = after.effects.find(({ type }) => type === "mask");
    if (effect?.type !== "mask") throw new Error("was asked to mask");
    expect(effect.streams.map(({ sign }) => sign)).toEqual([1, -1, 1, 1]);
    const keys = effect.streams.map(({ key }) => key.reveal().join());
    expect(new Set(keys).size).toBe(4);
  });

  test("so that the two of a pair have one key and opposite signs, and no two pairs have one", () => {
    const streams = new Map(
      [1, 2, 3, 4].map((who) => {
        const effect = round.client(who, "inbox").after.effects.find(({ type }) => type === "mask");
        if (effect?.type !== "mask") throw new Error("was asked to mask");
        return [who, effect.streams.map(({ key, sign }) => ({ key: key.reveal().join(), sign }))] as const;
      }),
    );
    const all = [...streams.values()].flat();
    const keys = new Set(all.map(({ key }) => key));
    expect(keys.size).toBe(4 + 6);
    for (const key of keys) {
      const same = all.filter((stream) => stream.key === key);
      if (same.length === 1) expect(same[0]!.sign).toBe(1);
      else expect(same.map(({ sign }) => sign).toSorted((a, b) => a - b)).toEqual([-1, 1]);
    }
  });

  test("and then sends the whole vector before its trailer, which it signs over what it sent", () => {
    const { effects } = masked.after;
    expect(effects.map(({ type }) => type)).toEqual(["upload", "send"]);
    expect(effects[0]).toEqual({ type: "upload", round: 1, attempt: 1, from: 0 });
    expect(sentIn(effects)[0]?.type).toBe("masked");
  });
});

describe("the coordinator", () => {
  const { before, event } = round.coordinator(1, "masked");
  if (event.type !== "received" || event.message.type !== "masked")
    throw new Error("the trailer of member 1");
  if (before.stage !== "collecting-inputs") throw new Error("collects inputs");
  const { message } = event;
  const says = (changed: object) => ({ ...event, message: { ...message, ...changed } });
  const reasonOf = (changed: object, state: CoordinatorState = before) => {
    const step = stepCoordinator(state, says(changed));
    expect(step.state).toBe(state);
    return step.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : []))[0];
  };
  const trailerOf = (changed: Partial<MaskedPayload>) => {
    const payload = encodeCanonical(maskedPayload, {
      byteLength: job.layout.byteLength,
      digest: new Uint8Array(32),
      sharersDigest: before.sharersDigest,
      ...changed,
    });
    const place = { stage: "masked", context, transcript: before.transcript, from: id(1) } as const;
    return signPayload(place, payload, people.signingKeys.get(id(1))!);
  };

  test("folds what a trailer announces, and takes no second trailer", () => {
    const { state, effects } = stepCoordinator(before, event);
    expect(effects.map(({ type }) => type)).toEqual(["persist", "fold"]);
    expect(reasonOf({}, state)).toEqual({ code: "late-or-repeated", message: "masked" });
  });

  test("refuses a trailer that its member has not signed in this transcript", () => {
    expect(reasonOf({ payload: flipped(message.payload) })).toMatchObject({ code: "bad-signature", from: 1 });
    const place = { stage: "masked", context, transcript: new Uint8Array(32), from: id(1) } as const;
    const elsewhere = signPayload(place, message.payload, people.signingKeys.get(id(1))!);
    expect(reasonOf(elsewhere)).toMatchObject({ code: "bad-signature" });
  });

  test("refuses one whose member has seen other sharers, or whose vector has another length", () => {
    expect(reasonOf(trailerOf({ sharersDigest: new Uint8Array(32) }))).toEqual({
      code: "sharers-differ",
      from: 1,
    });
    expect(reasonOf(trailerOf({ byteLength: job.layout.byteLength - 2 }))).toEqual({
      code: "upload-mismatch",
      what: "length",
    });
    expect(stepCoordinator(before, says(trailerOf({}))).state).not.toBe(before);
  });

  test.each(["length", "digest", "missing"] as const)(
    "asks again for an upload that does not match its trailer (%s), and takes it the second time",
    (outcome) => {
      const { state } = stepCoordinator(before, event);
      const failed = stepCoordinator(state, { type: "folded", from: id(1), outcome });
      expect(failed.effects).toContainEqual({ type: "send-received", round: 1, attempt: 1, to: 1 });
      expect(failed.effects).toContainEqual({
        type: "note",
        from: 1,
        reason: { code: "upload-mismatch", what: outcome },
      });
      expect(stepCoordinator(failed.state, event).effects.map(({ type }) => type)).toContain("fold");
    },
  );

  test("waits past its deadline for what is being added, since it will be in the sum, and takes no more", () => {
    const three = round.coordinator(3, "folded").after.state;
    const { state } = stepCoordinator(three, round.coordinator(4, "masked").event);
    if (state.stage !== "collecting-inputs") return expect(state.stage).toBe("collecting-agreements");
    const closing = stepCoordinator(state, { type: "deadline-passed" });
    expect(closing.state).toMatchObject({ stage: "collecting-inputs", isClosing: true });
    const closed = stepCoordinator(closing.state, { type: "folded", from: id(4), outcome: "added" });
    expect(closed.state).toMatchObject({ stage: "collecting-agreements", survivors: [1, 2, 3, 4] });
  });

  test("ends the attempt where its deadline finds too few", () => {
    const few = honestRound({
      silent: new Map([
        [2, "masked"],
        [3, "masked"],
      ]),
    });
    expect(few.end).toMatchObject({
      stage: "void",
      reason: { code: "too-few-members", stage: "masked inputs", present: 2, needed: 3 },
      isFinal: false,
    });
  });
});
