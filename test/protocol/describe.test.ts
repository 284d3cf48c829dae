import { inspect } from "node:util";
import { describeClient, describeCoordinator } from "@bulkhead/protocol";
import { describe, expect, test } from "vitest";
import { hear, heardIn, honestRound } from "./honest-round.ts";

const round = honestRound();
const descriptions = [
  ...round.ofClients.map(({ before, event, after }) => describeClient(before, event, after)),
  ...round.ofCoordinator.map(({ before, event, after }) => describeCoordinator(before, event, after)),
];

/** Every value in it, however deep. */
const leaves = (value: unknown): readonly unknown[] =>
  typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [value];

describe("a description", () => {
  test("holds numbers and short words of a fixed alphabet, and nothing in which a secret could stand", () => {
    for (const leaf of descriptions.flatMap(leaves)) {
      if (typeof leaf === "number") expect(Number.isSafeInteger(leaf)).toBe(true);
      else expect(leaf).toMatch(/^[a-z-]{1,30}$/u);
    }
  });

  test("is the same in JSON as it is printed", () => {
    for (const one of descriptions) {
      expect(JSON.parse(JSON.stringify(one))).toEqual(one);
      expect(inspect(one, { depth: 9 })).not.toContain("Uint8Array");
    }
  });

  test("names round and attempt, where it was and where it is, what happened, and who answered", () => {
    const { before, event, after } = round.client(1, "roster");
    expect(describeClient(before, event, after)).toEqual({
      side: "client",
      round: 1,
      attempt: 1,
      before: "awaiting-roster",
      after: "awaiting-inbox",
      event: "received",
      message: "roster",
      sent: 1,
      reasons: [],
    });
    const advert = round.coordinator(2, "advert");
    expect(describeCoordinator(advert.before, advert.event, advert.after)).toEqual({
      side: "coordinator",
      round: 1,
      attempt: 1,
      before: "collecting-adverts",
      after: "collecting-adverts",
      event: "received",
      message: "advert",
      from: 2,
      sent: 0,
      members: 2,
      reasons: [],
    });
  });

  test("carries the reason for which a client refused", () => {
    const transition = round.client(1, "roster");
    const roster = heardIn(transition, "roster");
    const after = hear(transition, { ...roster, adverts: roster.adverts.slice(1) });
    const { reasons } = describeClient(transition.before, transition.event, after);
    expect(reasons).toEqual([{ code: "self-missing", message: "roster" }]);
  });

  test("counts who has answered in every stage of the coordinator", () => {
    const members = round.ofCoordinator.map(({ before, event, after }) => [
      after.state.stage,
      describeCoordinator(before, event, after).members,
    ]);
    expect(members.filter(([stage]) => stage === "published")).toEqual([["published", 4]]);
    expect(members.every(([, count]) => typeof count === "number")).toBe(true);
  });
});
