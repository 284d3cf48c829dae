import { bytesToHex } from "@bulkhead/base";
import { SeededRandom } from "@bulkhead/simulation";
import { describe, expect, test } from "vitest";

describe("seeded randomness", () => {
  test("is the same for the same seed, however it is taken, and another one for another", () => {
    const whole = bytesToHex(new SeededRandom("a").bytes(3000));
    const random = new SeededRandom("a");
    const pieces = [1, 4, 31, 1000, 1025, 3000 - 2061].map((length) => bytesToHex(random.bytes(length)));
    expect(pieces.join("")).toBe(whole);
    expect(bytesToHex(new SeededRandom("b").bytes(3000))).not.toBe(whole);
  });

  test("stays within its bounds, and reaches both", () => {
    const random = new SeededRandom("bounds");
    const drawn = Array.from({ length: 500 }, () => random.between(-2, 2));
    expect([Math.min(...drawn), Math.max(...drawn)]).toEqual([-2, 2]);
    expect(new Set(drawn).size).toBe(5);
    expect(() => random.pick([])).toThrow(RangeError);
  });

  test("picks so many distinct ones, in their order", () => {
    const random = new SeededRandom("some");
    for (let count = 0; count <= 6; count++) {
      const some = random.some([1, 2, 3, 4, 5, 6], count);
      expect(some).toHaveLength(count);
      expect(some).toEqual([...new Set(some)].sort((a, b) => a - b));
    }
  });
});
