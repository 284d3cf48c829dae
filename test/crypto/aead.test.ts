import { createCipheriv } from "node:crypto";
import { Secret } from "@bulkhead/base";
import { open, randomBytes, randomSecret, seal } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowKeystream } from "../reference/chacha20.ts";
import { poly1305 } from "../reference/secretbox.ts";
import { SEALED } from "../vectors/rfc-8439.ts";

const NONCE = randomBytes(12);
const some = fc.uint8Array({ maxLength: 300 });

/** RFC 8439, section 2.8, from the two slow primitives. */
const slowSeal = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array => {
  const stream = slowKeystream({ key, nonce, offset: 0 }, 64 + plaintext.length);
  const ciphertext = plaintext.map((byte, i) => byte ^ stream[64 + i]!);
  const padded = (bytes: Uint8Array) => [...bytes, ...new Uint8Array((16 - (bytes.length % 16)) % 16)];
  const lengths = new Uint8Array(16);
  new DataView(lengths.buffer).setUint32(0, aad.length, true);
  new DataView(lengths.buffer).setUint32(8, ciphertext.length, true);
  const message = Uint8Array.from([...padded(aad), ...padded(ciphertext), ...lengths]);
  return Uint8Array.from([...ciphertext, ...poly1305(stream.slice(0, 32), message)]);
};

describe("ChaCha20-Poly1305", () => {
  test.each(SEALED)("seals and opens as in RFC 8439, $title", ({ key, nonce, aad, plaintext, sealed }) => {
    expect(seal(new Secret(key.slice()), nonce, plaintext, aad)).toEqual(sealed);
    expect(open(new Secret(key.slice()), nonce, sealed, aad)).toEqual(plaintext);
  });

  test("seals as its slow twin does, and opens again", () => {
    fc.assert(
      fc.property(some, some, (plaintext, aad) => {
        const key = randomSecret(32);
        const sealed = seal(key, NONCE, plaintext, aad);
        expect(sealed).toEqual(slowSeal(key.reveal(), NONCE, plaintext, aad));
        expect(open(key, NONCE, sealed, aad)).toEqual(plaintext);
      }),
      { numRuns: 50 },
    );
  });

  test.each([65_535, 65_536, 65_537, 200_000])("is the same in pieces, at %i bytes", (length) => {
    const [key, plaintext, aad] = [randomSecret(32), randomBytes(length), randomBytes(20)];
    const cipher = createCipheriv("chacha20-poly1305", key.reveal(), NONCE, { authTagLength: 16 });
    cipher.setAAD(aad, { plaintextLength: length });
    const whole = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    const sealed = seal(key, NONCE, plaintext, aad);
    expect(Buffer.from(sealed).equals(whole)).toBe(true);
    expect(Buffer.from(open(key, NONCE, sealed, aad)!).equals(plaintext)).toBe(true);
    sealed[length - 1]! ^= 1;
    expect(open(key, NONCE, sealed, aad)).toBeUndefined();
  });

  test("opens nothing once a bit of key, nonce, box or associated data is flipped", () => {
    const [key, box, aad] = [randomBytes(32), randomBytes(40), randomBytes(10)];
    const sealed = seal(new Secret(key), NONCE, box, aad);
    fc.assert(
      fc.property(fc.nat(3), fc.nat(10_000), (which, place) => {
        const parts = [key.slice(), NONCE.slice(), sealed.slice(), aad.slice()] as const;
        const part = parts[which]!;
        const bit = place % (8 * part.length);
        part[bit >> 3]! ^= 1 << (bit & 7);
        expect(open(new Secret(parts[0]), parts[1], parts[2], parts[3])).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("opens no box that is cut, longer, empty or random", () => {
    const key = randomSecret(32);
    const sealed = seal(key, NONCE, randomBytes(20), NONCE);
    for (let length = 0; length < sealed.length; length++)
      expect(open(key, NONCE, sealed.slice(0, length), NONCE)).toBeUndefined();
    expect(open(key, NONCE, Uint8Array.from([...sealed, 0]), NONCE)).toBeUndefined();
    fc.assert(fc.property(some, (bytes) => open(key, NONCE, bytes, NONCE) === undefined));
  });

  test("does not let bytes move between box and associated data", () => {
    const key = randomSecret(32);
    const sealed = seal(key, NONCE, Uint8Array.of(1, 2), Uint8Array.of(3));
    expect(open(key, NONCE, sealed.slice(1), Uint8Array.of(3, sealed[0]!))).toBeUndefined();
    expect(open(key, NONCE, sealed, Uint8Array.of(3, 0))).toBeUndefined();
  });

  test("throws on a key or nonce of wrong length, and on a wiped key", () => {
    const key = randomSecret(32);
    const none = new Uint8Array(0);
    for (const length of [0, 8, 11, 13, 16, 24]) {
      expect(() => seal(key, new Uint8Array(length), none, none)).toThrow("12 bytes of nonce");
      expect(() => open(key, new Uint8Array(length), new Uint8Array(16), none)).toThrow("12 bytes of nonce");
    }
    expect(() => seal(randomSecret(16), NONCE, none, none)).toThrow("32 bytes of key");
    expect(() => open(randomSecret(64), NONCE, new Uint8Array(16), none)).toThrow("32 bytes of key");
    key.wipe();
    expect(() => seal(key, NONCE, none, none)).toThrow("wiped");
  });
});
