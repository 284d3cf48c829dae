import { verify as opensslVerify } from "node:crypto";
import { bytesToHex, Secret, utf8 } from "@bulkhead/base";
import { randomBytes, randomSecret, sign, SIGNATURE_LENGTH, signingKeys, verify } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  BASE,
  challenge,
  encodePoint,
  encodingsOf,
  joined,
  L,
  lenientVerify,
  multiply,
  P,
  type Point,
  scalarOf,
  slowSign,
  smallOrderPoints,
  toBytes,
  toInteger,
} from "../reference/edwards25519.ts";
import { hex } from "../vectors/hex.ts";
import { SIGNATURES } from "../vectors/rfc-8032.ts";

const MESSAGE = utf8("three enterprises, one model");
const SEED = hex(SIGNATURES[0].secret);
const SECRET_SCALAR = scalarOf(SEED);
const { publicKey: PUBLIC_KEY } = signingKeys(new Secret(SEED.slice()));
const SMALL = smallOrderPoints();
const NONCE = toInteger(randomBytes(31));

const R = encodePoint(multiply(NONCE, BASE));
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
/** Of the right length half of the time. */
const anyBytes = fc.oneof(fc.uint8Array({ maxLength: 80 }), bytes(32), bytes(64));
const mixed = (point: Point): Point => add(point, SMALL[1]!);

/** Whether the y of an encoding is p or more. */
const isLongForm = (point: Uint8Array): boolean => (toInteger(point) & (2n ** 255n - 1n)) >= P;

/** What OpenSSL alone says: shows that a check of ours is needed, or that it is a second one. */
const acceptedByOpenssl = (a: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean =>
  opensslVerify(
    undefined,
    message,
    { key: { kty: "OKP", crv: "Ed25519", x: Buffer.from(a).toString("base64url") }, format: "jwk" },
    signature,
  );

/** The signature (R, S = r + h * scalar) for whatever encodings of R and A the caller wants. */
const forge = (r: Uint8Array, a: Uint8Array, scalar: bigint, message = MESSAGE): Uint8Array =>
  joined(r, toBytes((NONCE + challenge(r, a, message) * scalar) % L));

/** A message for which the challenge is a multiple of eight, so that no point of small order is left of hA. */
const messageWithChallenge = (r: Uint8Array, a: Uint8Array, wanted: (h: bigint) => boolean): Uint8Array => {
  for (let i = 0; ; i++) if (wanted(challenge(r, a, utf8(`message ${i}`)))) return utf8(`message ${i}`);
};

describe("Ed25519", () => {
  test.each(SIGNATURES)("signs and verifies as in RFC 8032 with key $public", (vector) => {
    const { publicKey, secretKey } = signingKeys(new Secret(hex(vector.secret)));
    const message = hex(vector.message);
    expect(bytesToHex(publicKey)).toBe(vector.public);
    expect(bytesToHex(sign(secretKey, message))).toBe(vector.signature);
    expect(verify(publicKey, message, hex(vector.signature))).toBe(true);
  });

  test("signs as the curve over whole integers does", () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 100 }), (seed, message) => {
        const { publicKey, secretKey } = signingKeys(new Secret(seed.slice()));
        const signature = sign(secretKey, message);
        expect(signature).toEqual(slowSign(seed, message));
        expect(lenientVerify(publicKey, message, signature)).toBe(true);
        expect(verify(publicKey, message, signature)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test("verifies nothing once a bit of key, message or signature is flipped", () => {
    const { publicKey, secretKey } = signingKeys(randomSecret(32));
    const signature = sign(secretKey, MESSAGE);
    fc.assert(
      fc.property(fc.nat(2), fc.nat(10_000), (which, at) => {
        const parts = [publicKey.slice(), MESSAGE.slice(), signature.slice()] as const;
        const part = parts[which]!;
        const bit = at % (8 * part.length);
        part[bit >> 3]! ^= 1 << (bit & 7);
        expect(verify(...parts)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(anyBytes, anyBytes, anyBytes, (key, message, signature) => {
        expect(verify(key, message, signature)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("keys and lengths", () => {
  test("keys come from their seed alone, and survive its wiping", () => {
    const seed = randomSecret(32);
    const [one, two] = [signingKeys(seed), signingKeys(seed)];
    seed.wipe();
    expect(one.publicKey).toEqual(two.publicKey);
    expect(verify(two.publicKey, MESSAGE, sign(one.secretKey, MESSAGE))).toBe(true);
  });

  test("secret keys of wrong length or wiped are a bug and throw", () => {
    expect(() => signingKeys(randomSecret(64))).toThrow("32 bytes");
    expect(() => sign(randomSecret(31), MESSAGE)).toThrow("32 bytes");
    const { secretKey } = signingKeys(randomSecret(32));
    secretKey.wipe();
    expect(() => sign(secretKey, MESSAGE)).toThrow("wiped");
  });

  test("signatures and public keys that are cut, padded or empty verify nothing", () => {
    const signature = slowSign(SEED, MESSAGE);
    expect(signature).toHaveLength(SIGNATURE_LENGTH);
    for (const cut of [0, 1, 32, 63])
      expect(verify(PUBLIC_KEY, MESSAGE, signature.slice(0, cut))).toBe(false);
    expect(verify(PUBLIC_KEY, MESSAGE, Uint8Array.from([...signature, 0]))).toBe(false);
    expect(verify(PUBLIC_KEY.slice(1), MESSAGE, signature)).toBe(false);
    expect(verify(Uint8Array.from([...PUBLIC_KEY, 0]), MESSAGE, signature)).toBe(false);
    expect(verify(new Uint8Array(0), MESSAGE, signature)).toBe(false);
  });

  test("verifying leaves its inputs as they were, Buffers too", () => {
    const [key, signature] = [Buffer.from(PUBLIC_KEY), Buffer.from(slowSign(SEED, MESSAGE))];
    const before = [key.toString("hex"), signature.toString("hex")];
    expect(verify(key, MESSAGE, signature)).toBe(true);
    expect([key.toString("hex"), signature.toString("hex")]).toEqual(before);
  });
});

/**
 * What different verifiers treat differently, built by hand: twelve families after "Taming the many EdDSAs"
 * (Chalkias, Garillot, Nikolaenko 2020). Each case first shows that the curve equation itself holds.
 */
describe("signatures that only a lenient verifier takes", () => {
  const honest = slowSign(SEED, MESSAGE);

  test("1: S + L, and every further multiple of L that fits", () => {
    const s = toInteger(honest.subarray(32));
    for (let k = 1n; s + k * L < 2n ** 256n; k++) {
      const malleated = joined(honest.subarray(0, 32), toBytes(s + k * L));
      expect(lenientVerify(PUBLIC_KEY, MESSAGE, malleated)).toBe(true);
      expect(verify(PUBLIC_KEY, MESSAGE, malleated)).toBe(false);
    }
    expect(verify(PUBLIC_KEY, MESSAGE, honest)).toBe(true);
  });

  test("2: S = L in place of S = 0", () => {
    for (const s of [0n, L]) {
      const identity = encodePoint(SMALL[0]!);
      expect(lenientVerify(identity, MESSAGE, joined(identity, toBytes(s)))).toBe(true);
      expect(verify(identity, MESSAGE, joined(identity, toBytes(s)))).toBe(false);
    }
  });

  test("3: a key of small order, which signs every message with one signature", () => {
    const identity = encodePoint(SMALL[0]!);
    const universal = joined(R, toBytes(NONCE % L));
    for (const text of ["yes", "no"]) {
      expect(acceptedByOpenssl(identity, utf8(text), universal)).toBe(true);
      expect(verify(identity, utf8(text), universal)).toBe(false);
    }
  });

  test("4: a key of each small order, under a message that clears it", () => {
    for (const point of SMALL) {
      const a = encodePoint(point);
      const message = messageWithChallenge(R, a, (h) => h % 8n === 0n);
      const signature = forge(R, a, 0n, message);
      expect(acceptedByOpenssl(a, message, signature)).toBe(true);
      expect(verify(a, message, signature)).toBe(false);
    }
  });

  test("5: an R that is the identity, with an honest key", () => {
    const r = encodePoint(SMALL[0]!);
    const signature = joined(r, toBytes((challenge(r, PUBLIC_KEY, MESSAGE) * SECRET_SCALAR) % L));
    expect(acceptedByOpenssl(PUBLIC_KEY, MESSAGE, signature)).toBe(true);
    expect(verify(PUBLIC_KEY, MESSAGE, signature)).toBe(false);
  });

  test("6: an R of small order that the cofactor clears, with an honest key", () => {
    for (const point of SMALL.slice(1)) {
      const r = encodePoint(point);
      const signature = joined(r, toBytes((challenge(r, PUBLIC_KEY, MESSAGE) * SECRET_SCALAR) % L));
      expect(lenientVerify(PUBLIC_KEY, MESSAGE, signature, 8n)).toBe(true);
      expect(verify(PUBLIC_KEY, MESSAGE, signature)).toBe(false);
    }
  });

  test("7: key and R both of small order", () => {
    for (const point of SMALL) {
      const a = encodePoint(point);
      const r = encodePoint(SMALL[1]!);
      expect(lenientVerify(a, MESSAGE, joined(r, new Uint8Array(32)), 8n)).toBe(true);
      expect(verify(a, MESSAGE, joined(r, new Uint8Array(32)))).toBe(false);
    }
  });

  test("8: a key of mixed order and an R of mixed order that only the cofactored equation joins", () => {
    const a = encodePoint(mixed(multiply(SECRET_SCALAR, BASE)));
    const r = encodePoint(mixed(multiply(NONCE, BASE)));
    const message = messageWithChallenge(r, a, (h) => h % 8n !== 7n);
    const signature = forge(r, a, SECRET_SCALAR, message);
    expect(lenientVerify(a, message, signature, 8n)).toBe(true);
    expect(lenientVerify(a, message, signature)).toBe(false);
    expect(verify(a, message, signature)).toBe(false);
  });

  test("9: an honest key and an R of mixed order", () => {
    const r = encodePoint(mixed(multiply(NONCE, BASE)));
    const signature = forge(r, PUBLIC_KEY, SECRET_SCALAR);
    expect(lenientVerify(PUBLIC_KEY, MESSAGE, signature, 8n)).toBe(true);
    expect(verify(PUBLIC_KEY, MESSAGE, signature)).toBe(false);
  });

  test("10: a key with y at or above p, whose message hashes the longer form", () => {
    const keys = SMALL.flatMap(encodingsOf).filter(isLongForm);
    expect(keys.length).toBeGreaterThan(2);
    for (const a of keys) {
      const message = messageWithChallenge(R, a, (h) => h % 8n === 0n);
      const signature = forge(R, a, 0n, message);
      expect(acceptedByOpenssl(a, message, signature)).toBe(true);
      expect(verify(a, message, signature)).toBe(false);
    }
  });

  test("11: an R with y at or above p", () => {
    for (const r of SMALL.flatMap(encodingsOf).filter(isLongForm)) {
      const signature = joined(r, toBytes((challenge(r, PUBLIC_KEY, MESSAGE) * SECRET_SCALAR) % L));
      expect(lenientVerify(PUBLIC_KEY, MESSAGE, signature, 8n)).toBe(true);
      expect(verify(PUBLIC_KEY, MESSAGE, signature)).toBe(false);
    }
  });

  test("12: the sign bit on a point whose x is zero, as key and as R", () => {
    const signed = SMALL.filter(({ x }) => x === 0n).map((point) => toBytes(point.y | (1n << 255n)));
    expect(signed).toHaveLength(2);
    for (const odd of signed) {
      const message = messageWithChallenge(R, odd, (h) => h % 8n === 0n);
      expect(lenientVerify(odd, message, forge(R, odd, 0n, message))).toBe(true);
      expect(verify(odd, message, forge(R, odd, 0n, message))).toBe(false);
      const s = toBytes((challenge(odd, PUBLIC_KEY, MESSAGE) * SECRET_SCALAR) % L);
      expect(lenientVerify(PUBLIC_KEY, MESSAGE, joined(odd, s), 8n)).toBe(true);
      expect(verify(PUBLIC_KEY, MESSAGE, joined(odd, s))).toBe(false);
    }
  });
});

describe("points of small order", () => {
  const encodings = SMALL.flatMap(encodingsOf);

  test("are eight, in fourteen encodings", () => {
    expect(new Set(SMALL.map(({ x, y }) => `${x} ${y}`)).size).toBe(8);
    expect(encodings).toHaveLength(14);
  });

  test("are refused in every encoding, as key and as R, whatever S is", () => {
    fc.assert(
      fc.property(fc.constantFrom(...encodings), bytes(32), anyBytes, (point, s, message) => {
        s[31]! &= 0x0f;
        expect(verify(point, message, joined(R, s))).toBe(false);
        expect(verify(PUBLIC_KEY, message, joined(point, s))).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

test("a key of mixed order verifies exactly where the cofactorless equation holds", () => {
  const a = encodePoint(mixed(multiply(SECRET_SCALAR, BASE)));
  for (let i = 0; i < 16; i++) {
    const message = utf8(`mixed ${i}`);
    const signature = forge(R, a, SECRET_SCALAR, message);
    expect(verify(a, message, signature)).toBe(challenge(R, a, message) % 8n === 0n);
    expect(lenientVerify(a, message, signature, 8n)).toBe(true);
  }
});

test("an array into which another key was written is that key", () => {
  const [first, second] = [1, 2].map((byte) => signingKeys(new Secret(new Uint8Array(32).fill(byte))));
  const key = Uint8Array.from(first!.publicKey);
  const signature = sign(first!.secretKey, MESSAGE);
  expect(verify(key, MESSAGE, signature)).toBe(true);
  expect(verify(key, MESSAGE, signature)).toBe(true);
  key.set(second!.publicKey);
  expect(verify(key, MESSAGE, signature)).toBe(false);
  expect(verify(key, MESSAGE, sign(second!.secretKey, MESSAGE))).toBe(true);
});
