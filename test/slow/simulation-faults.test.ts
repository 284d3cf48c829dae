/** Every kind of harm on every type of frame, often enough, and the table of it. */
import { CELLS, HitCount, KINDS } from "@bulkhead/simulation";
import { expect, test } from "vitest";
import { coverCells } from "../simulation/cover.ts";

/** Small federations cost least; every size from 3 to 10 has its turn. */
const MEMBERS = [4, 4, 5, 4, 3, 4, 4, 6, 4, 4, 7, 4, 4, 8, 4, 4, 9, 4, 4, 10];
const TIMEOUT_MS = 900_000;
const HITS = 20;

test(
  "every kind of harm meets every type of frame 20 times, and each story ends as it must",
  { timeout: TIMEOUT_MS },
  () => {
    const { count, failures, stories } = coverCells({
      seed: "cells",
      hits: HITS,
      members: MEMBERS,
      mostStories: 1500,
    });
    console.log(`hits in ${stories} stories of 3 to 10 members:\n${count.table}`);
    expect(failures).toEqual([]);
    expect(count.below(HITS)).toEqual([]);
  },
);

test("64 members keep the law too, with some hits of every kind", () => {
  const { count, failures } = coverCells({
    seed: "cells of 64",
    hits: 1,
    members: [64],
    cells: CELLS.filter(({ type }) => type === "masked" || type === "survivors"),
    // Sixty-four members have room for all of them at once.
    mostStories: 1,
  });
  console.log(`hits with 64 members:\n${count.table}`);
  expect(failures).toEqual([]);
  for (const kind of KINDS) expect(CELLS.some((cell) => cell.kind === kind && count.of(cell) > 0)).toBe(true);
});

test("a cell that was not hit is seen", () => {
  const count = new HitCount();
  count.add(CELLS.slice(1));
  expect(count.below(1)).toEqual(CELLS.slice(0, 1));
});
