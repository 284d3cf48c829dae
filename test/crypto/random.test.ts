import { randomBytes, randomSecret } from "@bulkhead/crypto";
import { describe, expect, test } from "vitest";

describe("randomness", () => {
  test("has the length asked for and no memory in common with other buffers", () => {
    const bytes = randomBytes(48);
    expect(bytes).toHaveLength(48);
    expect(bytes.buffer.byteLength).toBe(48);
    expect(randomSecret(33).length).toBe(33);
  });

  test("never comes twice", () => {
    const seen = new Set(Array.from({ length: 1000 }, () => randomBytes(16).join()));
    expect(seen.size).toBe(1000);
    expect(randomSecret(32).reveal()).not.toEqual(randomSecret(32).reveal());
  });

  test("uses every value of a byte about equally often", () => {
    const counts = Array.from({ length: 256 }, () => 0);
    for (const byte of randomBytes(256 * 1024)) counts[byte]!++;
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1024) ** 2 / 1024, 0);
    // 255 degrees of freedom: a fair source stays within 255 ± 8 sigma, sigma = sqrt(510).
    expect(Math.abs(chiSquare - 255)).toBeLessThan(8 * Math.sqrt(510));
  });
});
