import { bytesToHex, concatBytes } from "@bulkhead/base";
import { keystream, openKeystream, randomBytes, segmentNonce } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { chacha20Block, slowKeystream } from "../reference/chacha20.ts";
import { ENCRYPTION, KEYSTREAM_BLOCKS } from "../vectors/rfc-8439.ts";

const KEY = randomBytes(32);
const NONCE = randomBytes(12);
const at = (offset: number) => ({ key: KEY, nonce: NONCE, offset });
const END = 2 ** 38;

describe("the ChaCha20 keystream", () => {
  test.each(KEYSTREAM_BLOCKS)("has the block of RFC 8439, $title", ({ key, nonce, counter, block }) => {
    expect(bytesToHex(keystream({ key, nonce, offset: 64 * counter }, 64))).toBe(block);
    expect(bytesToHex(chacha20Block(key, nonce, counter))).toBe(block);
  });

  test("encrypts as in RFC 8439, 2.4.2", () => {
    const { key, nonce, counter, plaintext, ciphertext } = ENCRYPTION;
    const stream = keystream({ key, nonce, offset: 64 * counter }, plaintext.length);
    expect(plaintext.map((byte, i) => byte ^ stream[i]!)).toEqual(ciphertext);
  });

  test("is the same stream from every offset around the first three blocks, over every length", () => {
    const whole = slowKeystream(at(0), 400);
    for (let offset = 0; offset <= 130; offset++)
      for (const length of [0, 1, 3, 4, 63, 64, 65, 127, 128, 129])
        expect(keystream(at(offset), length)).toEqual(whole.slice(offset, offset + length));
  });

  test("equals its slow twin anywhere in the stream", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(200), (place, length) => {
        const offset = place % (END - 200);
        expect(keystream(at(offset), length)).toEqual(slowKeystream(at(offset), length));
      }),
      { numRuns: 50 },
    );
  });

  test("is the same stream however it is taken", () => {
    const whole = keystream(at(5), 700_000);
    fc.assert(
      fc.property(fc.array(fc.nat(200_000), { maxLength: 8 }), (lengths) => {
        const stream = openKeystream(at(5));
        const taken = concatBytes(...lengths.map((length) => stream.next(length))).subarray(0, 700_000);
        expect(Buffer.compare(taken, whole.subarray(0, taken.length))).toBe(0);
      }),
      { numRuns: 20 },
    );
  });

  test("is the same across the borders of the internal pieces", () => {
    const long = keystream(at(0), 600 * 1024 + 7);
    for (const border of [16, 64, 128, 256, 384, 512].map((kib) => kib * 1024))
      expect(long.slice(border - 70, border + 70)).toEqual(slowKeystream(at(border - 70), 140));
    expect(long).toHaveLength(600 * 1024 + 7);
  });

  test("comes in memory of its own that starts on a word, and does not change later", () => {
    const stream = openKeystream(at(1));
    const first = stream.next(100);
    const before = first.slice();
    const second = stream.next(100);
    second.fill(0);
    expect(first).toEqual(before);
    expect(first.byteOffset % 8).toBe(0);
    expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
  });

  test("depends on every bit of key and nonce", () => {
    const stream = keystream(at(0), 64);
    for (let bit = 0; bit < 8 * 44; bit++) {
      const both = concatBytes(KEY, NONCE);
      both[bit >> 3]! ^= 1 << (bit & 7);
      const other = keystream({ key: both.slice(0, 32), nonce: both.slice(32), offset: 0 }, 64);
      expect(other).not.toEqual(stream);
    }
  });
});

describe("the end of a stream", () => {
  test("is after the block with counter 2^32 - 1", () => {
    expect(keystream(at(END - 64), 64)).toEqual(chacha20Block(KEY, NONCE, 2 ** 32 - 1));
    expect(keystream(at(END - 3), 3)).toEqual(chacha20Block(KEY, NONCE, 2 ** 32 - 1).slice(61));
    expect(keystream(at(END), 0)).toHaveLength(0);
  });

  test("is never passed, where the counter would run into the nonce", () => {
    expect(() => keystream(at(END - 64), 65)).toThrow("2^32 blocks");
    expect(() => keystream(at(END), 1)).toThrow("2^32 blocks");
    const stream = openKeystream(at(END - 100));
    expect(stream.next(99)).toHaveLength(99);
    expect(() => stream.next(2)).toThrow("2^32 blocks");
    expect(stream.next(1)).toHaveLength(1);
  });
});

describe("misuse of the keystream", () => {
  test.each([-1, 0.5, Number.NaN, END + 1, Number.POSITIVE_INFINITY])("an offset of %s throws", (offset) => {
    expect(() => openKeystream(at(offset))).toThrow("offset");
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("a length of %s throws", (length) => {
    expect(() => openKeystream(at(0)).next(length)).toThrow("length");
  });

  test.each([0, 16, 31, 33])("a key of %s bytes throws", (length) => {
    expect(() => keystream({ key: new Uint8Array(length), nonce: NONCE, offset: 0 }, 1)).toThrow("32 bytes");
  });

  test.each([0, 8, 11, 16, 24])("a nonce of %s bytes throws", (length) => {
    expect(() => keystream({ key: KEY, nonce: new Uint8Array(length), offset: 0 }, 1)).toThrow("12 of nonce");
  });
});

describe("the nonce of a segment", () => {
  test("is its number, big-endian, and eight zero bytes", () => {
    expect([...segmentNonce(0x01020304)]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect([...segmentNonce(2 ** 32 - 1)]).toEqual([255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN])("does not exist for %s", (segment) => {
    expect(() => segmentNonce(segment)).toThrow("segment");
  });
});
