import { Secret } from "@bulkhead/base";
import { openOnce, randomBytes, randomSecret, sealOnce, SMALL_BOX_OVERHEAD } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowSecretbox } from "../reference/secretbox.ts";
import { hex } from "../vectors/hex.ts";
import { SECRETBOX } from "../vectors/nacl-secretbox.ts";

const some = fc.uint8Array({ maxLength: 200 });
const ZERO_NONCE = new Uint8Array(24);

describe("the slow twin of secretbox", () => {
  test("gives the box of Cryptography in NaCl", () => {
    const { key, nonce, plaintext, sealed } = SECRETBOX;
    expect(slowSecretbox(hex(key), hex(nonce), hex(plaintext))).toEqual(hex(sealed));
  });
});

describe("a small box", () => {
  test("is a secretbox under a zero nonce, and opens again", () => {
    fc.assert(
      fc.property(some, (plaintext) => {
        const key = randomBytes(32);
        const sealed = sealOnce(new Secret(key), plaintext);
        expect(sealed).toEqual(slowSecretbox(key, ZERO_NONCE, plaintext));
        expect(sealed).toHaveLength(plaintext.length + SMALL_BOX_OVERHEAD);
        expect(openOnce(new Secret(key), sealed)).toEqual(plaintext);
      }),
      { numRuns: 50 },
    );
  });

  test("opens under no other key, and not once a bit is flipped or a byte is missing", () => {
    const key = randomSecret(32);
    const sealed = sealOnce(key, randomBytes(64));
    expect(openOnce(randomSecret(32), sealed)).toBeUndefined();
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const flipped = sealed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(openOnce(key, flipped)).toBeUndefined();
    }
    for (let length = 0; length < sealed.length; length++)
      expect(openOnce(key, sealed.slice(0, length))).toBeUndefined();
    expect(openOnce(key, Uint8Array.from([...sealed, 0]))).toBeUndefined();
  });

  test("never throws on bytes from outside", () => {
    const key = randomSecret(32);
    fc.assert(fc.property(some, (bytes) => openOnce(key, bytes) === undefined));
  });

  test("is sealed once per key: a second message under the zero nonce would give both away", () => {
    const key = randomSecret(32);
    sealOnce(key, randomBytes(8));
    expect(() => sealOnce(key, randomBytes(8))).toThrow("seals once");
  });

  test("throws on a key of wrong length and on a wiped one", () => {
    for (const length of [0, 16, 31, 33]) {
      expect(() => sealOnce(randomSecret(length), randomBytes(8))).toThrow("32 bytes of key");
      expect(() => openOnce(randomSecret(length), randomBytes(24))).toThrow("32 bytes of key");
    }
    const wiped = randomSecret(32);
    wiped.wipe();
    expect(() => sealOnce(wiped, randomBytes(8))).toThrow("wiped");
    expect(() => openOnce(wiped, randomBytes(24))).toThrow("wiped");
  });
});
