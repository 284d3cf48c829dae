import { bytesToHex, concatBytes, encodeFields, utf8 } from "@bulkhead/base";
import { HASH_LENGTH, hashFields, Sha256, sha256 } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HASHES } from "../vectors/nist-sha256.ts";

describe("SHA-256", () => {
  test.each(HASHES)("gives NIST's hash of $title", ({ message, hash }) => {
    expect(bytesToHex(sha256(message))).toBe(hash);
  });

  test("is the same in one part, in many parts and in a stream", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        const whole = sha256(concatBytes(...parts));
        const stream = new Sha256();
        for (const part of parts) stream.update(part);
        expect(sha256(...parts)).toEqual(whole);
        expect(stream.digest()).toEqual(whole);
        expect(whole).toHaveLength(HASH_LENGTH);
      }),
    );
  });

  test("gives plain bytes, whose slice is a copy", () => {
    expect(Object.getPrototypeOf(sha256())).toBe(Uint8Array.prototype);
  });

  test("takes nothing more after its digest", () => {
    const stream = new Sha256().update(utf8("a"));
    stream.digest();
    expect(() => stream.update(utf8("b"))).toThrow("Digest already called");
    expect(() => stream.digest()).toThrow("Digest already called");
  });
});

describe("the hash of fields", () => {
  test("is the hash of each field behind its length", () => {
    expect(hashFields("ab", Uint8Array.of(7))).toEqual(
      sha256(Uint8Array.of(0, 0, 0, 2, 97, 98, 0, 0, 0, 1, 7)),
    );
  });

  test("differs where only the border between two fields differs", () => {
    expect(hashFields("ab", "c")).not.toEqual(hashFields("a", "bc"));
    expect(hashFields("ab", "")).not.toEqual(hashFields("ab"));
    expect(sha256(utf8("ab"), utf8("c"))).toEqual(sha256(utf8("a"), utf8("bc")));
  });

  test("agrees with the canonical encoding of fields", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (fields) => {
        expect(hashFields(...fields)).toEqual(sha256(encodeFields(...fields)));
      }),
    );
  });
});
