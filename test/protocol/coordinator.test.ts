import {
  attemptContext,
  type CoordinatorEvent,
  type CoordinatorState,
  isCoordinatorOver,
  resumeCoordinator,
  stepCoordinator,
  stopAttempt,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";
import { honestRound } from "./honest-round.ts";

const round = honestRound({ silent: new Map([[4, "masked"]]) });
const id = memberId;

const stages = new Map<string, CoordinatorState>();
for (const { before } of round.ofCoordinator) stages.set(before.stage, before);
const at = (stage: string): CoordinatorState => stages.get(stage)!;

const notesOf = (state: CoordinatorState, event: CoordinatorEvent) => {
  const step = stepCoordinator(state, event);
  expect(step.state).toBe(state);
  return step.effects.flatMap((effect) => (effect.type === "note" ? [effect.reason] : []));
};

describe("the journal", () => {
  const persisted = round.ofCoordinator.flatMap(({ after }) =>
    after.effects.flatMap((effect) => (effect.type === "persist" ? [effect.event] : [])),
  );

  test("has every event that changed the state, before anything is sent because of it", () => {
    for (const { before, event, after } of round.ofCoordinator) {
      if (before === after.state) expect(after.effects.filter(({ type }) => type === "persist")).toEqual([]);
      else expect(after.effects[0]).toEqual({ type: "persist", event });
    }
  });

  test("gives the same state again, event by event, when it is replayed", () => {
    let state: CoordinatorState = round.opening.state;
    const seen: CoordinatorState[] = [state];
    for (const event of persisted) {
      ({ state } = stepCoordinator(state, event));
      seen.push(state);
    }
    expect(state).toEqual(round.end);
    expect(new Set(seen.map(({ stage }) => stage)).size).toBe(7);
  });
});

describe("a message is ignored, with its reason,", () => {
  const { event } = round.coordinator(1, "shares");
  if (event.type !== "received") throw new Error("a message of member 1");

  test("of another round or attempt", () => {
    for (const name of [{ round: 2 }, { attempt: 2 }, { round: 0 }])
      expect(notesOf(at("collecting-shares"), { ...event, message: { ...event.message, ...name } })).toEqual([
        { code: "late-or-repeated", message: "shares" },
      ]);
  });

  test("of another stage", () => {
    for (const [stage, state] of stages)
      if (stage !== "collecting-shares")
        expect(notesOf(state, event)).toEqual([{ code: "late-or-repeated", message: "shares" }]);
  });

  test("of one that is not on the roster", () => {
    expect(notesOf(at("collecting-shares"), { ...event, from: id(9) })).toEqual([{ code: "unknown-member" }]);
  });

  test("that says that work is done which was not asked for", () => {
    for (const stage of ["collecting-adverts", "collecting-agreements", "unmasking"])
      expect(notesOf(at(stage), { type: "folded", from: id(1), outcome: "added" })).toEqual([
        { code: "late-or-repeated", message: "fold" },
      ]);
    expect(notesOf(at("collecting-inputs"), { type: "folded", from: id(4), outcome: "added" })).toEqual([
      { code: "late-or-repeated", message: "fold" },
    ]);
    expect(
      notesOf(at("collecting-reveals"), { type: "summed", outcome: "plain", digest: new Uint8Array(32) }),
    ).toEqual([{ code: "late-or-repeated", message: "sum" }]);
  });
});

describe("a member that is gone", () => {
  test("is not waited for, in any stage that waits", () => {
    const { before, event } = round.coordinator(3, "shares");
    const { state } = stepCoordinator(before, { type: "lost", from: id(4) });
    expect(state).toMatchObject({ gone: new Set([id(4)]) });
    let next = state;
    for (const from of [1, 2])
      ({ state: next } = stepCoordinator(next, round.coordinator(from, "shares").event));
    expect(stepCoordinator(next, event).state.stage).toBe("collecting-inputs");
  });

  test("is gone once, and not where nobody is waited for", () => {
    const { state } = stepCoordinator(at("collecting-shares"), { type: "lost", from: id(4) });
    expect(notesOf(state, { type: "lost", from: id(4) })).toEqual([]);
    expect(notesOf(at("unmasking"), { type: "lost", from: id(4) })).toEqual([]);
    expect(notesOf(round.end, { type: "lost", from: id(4) })).toEqual([]);
  });

  test("may come back in the same stage with what it owes", () => {
    const { before, event } = round.coordinator(4, "shares");
    const { state } = stepCoordinator(before, { type: "lost", from: id(4) });
    if (state.stage !== "collecting-shares") return expect(state.stage).toBe("collecting-inputs");
    expect(stepCoordinator(state, event).state).not.toBe(state);
  });

  test("that complains of a dealer is heard: the dealer is known to the next attempt", () => {
    const { state, effects } = stepCoordinator(at("collecting-inputs"), {
      type: "received",
      from: id(1),
      message: { type: "leave", round: 1, attempt: 1, code: "bad-share", about: id(2) },
    });
    expect(state).toMatchObject({ complaints: new Set([id(2)]), gone: new Set([id(1)]) });
    expect(effects).toContainEqual({ type: "note", from: 1, reason: { code: "left", why: "bad-share" } });
  });
});

describe("a deadline", () => {
  test("changes nothing while the masks are taken off, and nothing when the attempt is over", () => {
    expect(notesOf(at("unmasking"), { type: "deadline-passed" })).toEqual([]);
    expect(notesOf(round.end, { type: "deadline-passed" })).toEqual([]);
    expect(isCoordinatorOver(round.end)).toBe(true);
  });
});

describe("after a restart", () => {
  const effectsAt = (stage: string) => resumeCoordinator(at(stage)).map(({ type }) => type);

  test("what a stage waits for is waited for again", () => {
    for (const stage of [
      "collecting-adverts",
      "collecting-shares",
      "collecting-agreements",
      "collecting-reveals",
    ])
      expect(effectsAt(stage)).toEqual(["set-deadline"]);
  });

  test("an upload that was being added is added again, and one that was is not", () => {
    const { after } = round.coordinator(2, "masked");
    const state = after.state;
    if (state.stage !== "collecting-inputs") throw new Error("collects inputs");
    const pending = [...state.trailers.keys()].filter((from) => !state.folded.has(from));
    const folds = resumeCoordinator(state).flatMap((effect) => (effect.type === "fold" ? [effect.from] : []));
    expect(folds).toEqual(pending);
    expect(folds).toContain(2);
  });

  test("the masks are taken off with the same streams", () => {
    const before = round.ofCoordinator.find(({ after }) => after.state.stage === "unmasking")!;
    const asked = before.after.effects.find(({ type }) => type === "unmask");
    const again = resumeCoordinator(before.after.state)[0];
    if (asked?.type !== "unmask" || again?.type !== "unmask") throw new Error("takes the masks off");
    const keys = (effect: typeof asked) => effect.streams.map(({ key, sign }) => [key.reveal().join(), sign]);
    expect(keys(again)).toEqual(keys(asked));
  });

  test("what was published is published, and what was void is over", () => {
    expect(resumeCoordinator(round.end).map(({ type }) => type)).toEqual(["publish"]);
    expect(resumeCoordinator(stopAttempt(at("collecting-inputs")).state)).toEqual([]);
  });
});

test("an attempt that is stopped tells everyone", () => {
  const { state, effects } = stopAttempt(at("collecting-shares"));
  expect(state).toMatchObject({ stage: "void", isFinal: false });
  expect(effects.filter(({ type }) => type === "send")).toHaveLength(4);
});

test("a step is the same for the same state and event, and leaves both as they were", () => {
  for (const { before, event, after } of round.ofCoordinator)
    if (before.stage !== "collecting-reveals") expect(stepCoordinator(before, event)).toEqual(after);
});

test("an attempt's context is that of its round, attempt and model", () => {
  const { context, job } = round;
  expect(attemptContext(job, { round: 1, attempt: 1 }, context.modelHash).hash).toEqual(context.hash);
});
