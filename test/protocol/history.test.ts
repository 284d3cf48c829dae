import { hashFields } from "@bulkhead/crypto";
import {
  cohortProblem,
  type History,
  isAfter,
  NO_HISTORY,
  remember,
  type SignedSet,
} from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { federation } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

const { job } = federation("history", { members: 10 });
const [M1, M2] = [hashFields("model 1"), hashFields("model 2")];
const ALL = Array.from({ length: 10 }, (_, i) => memberId(i + 1));
const without = (...lost: readonly number[]) => ALL.filter((id) => !lost.includes(id));
const set = (round: number, survivors: readonly (typeof ALL)[number][], modelHash = M1): SignedSet => ({
  round,
  attempt: 1,
  survivors,
  modelHash,
});
const history = (...signed: readonly SignedSet[]): History => ({ ...NO_HISTORY, signed });

describe("a history", () => {
  test("remembers the latest attempt and reveal, and every set that was signed", () => {
    const entries = [
      { type: "joined", round: 1, attempt: 1 },
      { type: "joined", round: 1, attempt: 2 },
      { type: "signed", ...set(1, ALL) },
      { type: "revealed", round: 1, attempt: 2 },
      { type: "joined", round: 2, attempt: 1 },
      { type: "signed", ...set(2, without(3)) },
    ] as const;
    expect(entries.reduce<History>(remember, NO_HISTORY)).toMatchObject({
      joined: { round: 2, attempt: 1 },
      revealed: 1,
      signed: [{ survivors: ALL }, { survivors: without(3) }],
    });
    expect(NO_HISTORY).toEqual({ joined: { round: 0, attempt: 0 }, signed: [], revealed: 0 });
  });

  test("orders attempts by round, then by number", () => {
    const a = { round: 2, attempt: 1 };
    expect(isAfter(a, { round: 1, attempt: 9 })).toBe(true);
    expect(isAfter(a, { round: 2, attempt: 0 })).toBe(true);
    expect(isAfter(a, a)).toBe(false);
    expect(isAfter(a, { round: 2, attempt: 2 })).toBe(false);
    expect(isAfter(a, { round: 3, attempt: 0 })).toBe(false);
  });
});

describe("the cohort rule", () => {
  const problem = (signed: SignedSet, next: SignedSet, isStrict = true) =>
    cohortProblem(job, history(signed), next, isStrict);

  test("lets the same cohort pass, on the same model and on another", () => {
    expect(problem(set(1, ALL), set(2, ALL, M2))).toBeUndefined();
    expect(problem(set(1, ALL), set(2, ALL, M1))).toBeUndefined();
    expect(cohortProblem(job, NO_HISTORY, set(1, ALL), true)).toBeUndefined();
  });

  test("refuses any other cohort on the same model, however it differs, strict or not", () => {
    for (const survivors of [without(3), without(1, 2, 3, 4, 5), without(3, 4)])
      for (const isStrict of [true, false])
        expect(problem(set(1, ALL, M1), set(2, survivors, M1), isStrict)).toMatchObject({
          code: "cohort-difference",
        });
  });

  test("refuses on another model, where strict, what differs by fewer than c + 2 members, in either direction", () => {
    // Ten members: t = 7, c = 3, so that five must differ.
    expect(problem(set(1, ALL), set(2, without(3), M2))).toEqual({
      code: "cohort-difference",
      members: 1,
      least: 5,
    });
    expect(problem(set(1, without(3)), set(2, ALL, M2))).toMatchObject({ members: 1 });
    expect(problem(set(1, without(1, 2)), set(2, without(3, 4), M2))).toMatchObject({ members: 4 });
    expect(problem(set(1, without(1, 2)), set(2, without(3, 4, 5), M2))).toBeUndefined();
    expect(problem(set(1, ALL), set(2, without(3), M2), false)).toBeUndefined();
  });

  test("refuses another cohort on the same model however many rounds later: whoever publishes sums can bring it back", () => {
    const problemAfter = (round: number) => problem(set(1, ALL, M1), set(round, without(3), M1), false);
    for (const round of [2, 51, 52, 10_000])
      expect(problemAfter(round)).toMatchObject({ code: "cohort-difference", members: 1 });
  });

  test("compares sets on different models over fifty rounds, and none before", () => {
    const many = history(set(1, without(9)), ...Array.from({ length: 60 }, (_, i) => set(i + 2, ALL, M2)));
    const next = (round: number) => set(round, ALL, hashFields("model 3"));
    expect(cohortProblem(job, many, next(51), true)).toMatchObject({ members: 1 });
    expect(cohortProblem(job, many, next(52), true)).toBeUndefined();
  });
});
