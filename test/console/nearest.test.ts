import { nearest } from "@bulkhead/console";
import { expect, test } from "vitest";

const KEYS = ["count", "localSteps", "clipNorm", "address"];

test.each([
  ["cuont", "count"],
  ["coun", "count"],
  ["local_steps", "localSteps"],
  ["LOCAL-STEPS", "localSteps"],
  ["adress", "address"],
  ["clip", undefined],
  ["zzz", undefined],
  ["", undefined],
])("%j was probably meant to be %j", (word, meant) => {
  expect(nearest(word, KEYS)).toBe(meant);
});
