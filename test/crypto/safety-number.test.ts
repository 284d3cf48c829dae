import { bytesToHex, concatBytes, utf8 } from "@bulkhead/base";
import { fingerprint, fingerprintText, randomBytes, safetyNumber, sha256 } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hex } from "../vectors/hex.ts";
import { SIGNATURES } from "../vectors/rfc-8032.ts";

const KEY = hex(SIGNATURES[0].public);
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe("the fingerprint of a key", () => {
  test("is the hash of the label and the key, each behind its length", () => {
    const label = utf8("bulkhead/1 id");
    const input = concatBytes(Uint8Array.of(0, 0, 0, 13), label, Uint8Array.of(0, 0, 0, 32), KEY);
    expect(fingerprint(KEY)).toEqual(sha256(input));
  });

  test("in base32 is thirteen groups of four that give back its bits", () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(fingerprintText(key)).toMatch(/^[A-Z2-7]{4}( [A-Z2-7]{4}){12}$/u);
        const digits = fingerprintText(key).replaceAll(" ", "").split("");
        const value = digits.reduce(
          (sum, d) => sum * 32n + BigInt("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(d)),
          0n,
        );
        // 52 digits hold 260 bits: the last four are padding.
        expect((value >> 4n).toString(16).padStart(64, "0")).toBe(bytesToHex(fingerprint(key)));
        expect(value & 15n).toBe(0n);
      }),
    );
  });
});

describe("the safety number of a key", () => {
  test("is the fingerprint modulo 10^60 in twelve groups of five", () => {
    fc.assert(
      fc.property(keys, (key) => {
        expect(safetyNumber(key)).toMatch(/^\d{5}( \d{5}){11}$/u);
        const value = BigInt(`0x${bytesToHex(fingerprint(key))}`) % 10n ** 60n;
        expect(BigInt(safetyNumber(key).replaceAll(" ", ""))).toBe(value);
      }),
    );
  });

  test("uses every digit equally often at every place", () => {
    const runs = 3000;
    const counts = new Map<string, number>();
    for (let run = 0; run < runs; run++)
      for (const [place, digit] of safetyNumber(randomBytes(32)).replaceAll(" ", "").split("").entries())
        counts.set(`${place}:${digit}`, (counts.get(`${place}:${digit}`) ?? 0) + 1);
    expect(counts.size).toBe(600);
    const expected = runs / 10;
    const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    // 60 places of 9 degrees of freedom each.
    expect(chiSquare).toBeLessThan(540 + 8 * Math.sqrt(2 * 540));
  });

  test("stays what it is from one version to the next, so that noted ones stay true", () => {
    expect(safetyNumber(KEY)).toMatchInlineSnapshot(
      `"66979 87349 87408 21555 69206 34681 14724 49198 77721 99857 94726 28721"`,
    );
    expect(fingerprintText(KEY)).toMatchInlineSnapshot(
      `"HDQT ITSD O7UV ZBAQ FV7E ZHVV HLDK 6AUX VR7I 2CZU 44II PB6B PPYQ"`,
    );
  });
});
