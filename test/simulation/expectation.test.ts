import { memberId } from "@bulkhead/secagg";
import { expectationOf, type Fault, type FrameType, type Harm, lossBy, sizeOf } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const fault = (member: number, type: FrameType, harm: Harm, nth = 1): Fault => ({
  at: { member: memberId(member), direction: "up", type, nth },
  harm,
});
const DIES: Harm = { kind: "crash member", downMs: Number.POSITIVE_INFINITY, arrives: false };
const RESTARTS: Harm = { kind: "crash member", downMs: 50, arrives: true };
const expected = (faults: readonly Fault[], members = 4, rounds = 1) =>
  expectationOf({ seed: "", size: sizeOf(members, { rounds }), faults });

describe("what a fault costs its member", () => {
  test("is nothing, an attempt, the round or its life", () => {
    expect(lossBy(fault(1, "advert", { kind: "duplicate" }))).toBe("nothing");
    expect(lossBy(fault(1, "advert", { kind: "delay", ms: 100 }))).toBe("nothing");
    expect(lossBy(fault(1, "advert", { kind: "delay", ms: 1500 }))).toBe("round");
    expect(lossBy(fault(1, "advert", { kind: "drop" }))).toBe("round");
    expect(lossBy(fault(1, "shares", { kind: "cut", downMs: 1500 }))).toBe("round");
    expect(lossBy(fault(1, "agree", { kind: "cut", downMs: 1500 }))).toBe("nothing");
    expect(lossBy(fault(1, "shares", RESTARTS))).toBe("attempt");
    expect(lossBy(fault(1, "agree", RESTARTS))).toBe("round");
    expect(lossBy(fault(1, "result", RESTARTS))).toBe("nothing");
    expect(lossBy(fault(1, "shares", DIES))).toBe("life");
  });
});

describe("a story must end", () => {
  test("published where enough members keep every round", () => {
    expect(expected([])).toEqual([{ type: "published" }]);
    expect(expected([fault(1, "agree", { kind: "flip", at: 0.5 })], 4, 2)).toHaveLength(2);
  });

  test("void where too many die at one place, in the round of their death", () => {
    const dead = (type: FrameType, nth = 1) => [fault(1, type, DIES, nth), fault(2, type, DIES, nth)];
    expect(expected(dead("masked"))).toEqual([{ type: "void", code: "too-few-members" }]);
    expect(expected(dead("agree"))).toEqual([{ type: "void", code: "waiting-for-member" }]);
    expect(expected(dead("shares", 2), 4, 3)).toEqual([
      { type: "published" },
      { type: "void", code: "too-few-members" },
    ]);
  });

  test("in nothing that anybody can tell where it lies between, and so is no story", () => {
    const drops = [1, 2].map((member) => fault(member, "masked", { kind: "drop" }));
    expect(() => expected(drops)).toThrow("only deaths make a void round certain");
    expect(() => expected([fault(1, "masked", DIES), fault(2, "shares", DIES)])).toThrow("one place");
  });
});
