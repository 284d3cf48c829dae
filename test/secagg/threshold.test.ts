import { thresholdOf, toleratedColluders } from "@bulkhead/secagg";
import { describe, expect, test } from "vitest";

/** The table of protocol.md 2.1. */
const TABLE = [
  { n: 2, t: 2, c: 0 },
  { n: 3, t: 3, c: 1 },
  { n: 4, t: 3, c: 1 },
  { n: 5, t: 4, c: 2 },
  { n: 6, t: 5, c: 3 },
  { n: 8, t: 6, c: 3 },
  { n: 10, t: 7, c: 3 },
  { n: 15, t: 11, c: 6 },
  { n: 20, t: 14, c: 7 },
  { n: 30, t: 21, c: 11 },
  { n: 50, t: 34, c: 17 },
  { n: 64, t: 43, c: 21 },
  { n: 100, t: 67, c: 33 },
  { n: 128, t: 86, c: 43 },
  { n: 200, t: 134, c: 67 },
  { n: 255, t: 171, c: 86 },
];

test.each(TABLE)("of $n members $t must answer and $c may collude", ({ n, t, c }) => {
  expect(thresholdOf(n)).toBe(t);
  expect(toleratedColluders(n)).toBe(c);
});

describe("for every roster from 3 to 255 members", () => {
  const rosters = Array.from({ length: 253 }, (_, i) => i + 3);

  test("two quorums share an honest signer, so that two survivor sets are never both certified", () => {
    for (const n of rosters) expect(2 * thresholdOf(n)).toBeGreaterThan(n + toleratedColluders(n));
  });

  test("a revealed sum holds at least two honest updates, and colluders alone rebuild no secret", () => {
    for (const n of rosters) {
      expect(thresholdOf(n) - toleratedColluders(n)).toBeGreaterThanOrEqual(2);
      expect(thresholdOf(n)).toBeLessThanOrEqual(n);
      expect(toleratedColluders(n)).toBeGreaterThanOrEqual(1);
    }
  });

  test("one more colluder would break one of the two", () => {
    for (const n of rosters) {
      const [t, c] = [thresholdOf(n), toleratedColluders(n) + 1];
      expect(2 * t > n + c && t - c >= 2).toBe(false);
    }
  });
});
