import { bytesToHex, Secret } from "@bulkhead/base";
import { agree, agreementKeys, PUBLIC_KEY_LENGTH, randomSecret } from "@bulkhead/crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { P, smallOrderPoints, toBytes } from "../reference/edwards25519.ts";
import { hex } from "../vectors/hex.ts";
import { AGREEMENT, ITERATED, SCALAR_MULTIPLICATIONS } from "../vectors/rfc-7748.ts";

const secretOf = (digits: string): Secret => new Secret(hex(digits));

describe("X25519", () => {
  test.each(SCALAR_MULTIPLICATIONS)("multiplies u by $scalar", ({ scalar, u, result }) => {
    expect(bytesToHex(agree(secretOf(scalar), hex(u))!.reveal())).toBe(result);
  });

  test("gives the values of RFC 7748 after one and after 1,000 iterations", () => {
    let [k, u] = [hex(ITERATED.start), hex(ITERATED.start)];
    for (let i = 1; i <= 1000; i++) {
      [k, u] = [new Uint8Array(agree(new Secret(k), u)!.reveal()), k];
      if (i === 1) expect(bytesToHex(k)).toBe(ITERATED.after1);
    }
    expect(bytesToHex(k)).toBe(ITERATED.after1000);
  });

  test("agrees with RFC 7748, section 6.1 on both sides", () => {
    const alice = agreementKeys(secretOf(AGREEMENT.alice.secret));
    const bob = agreementKeys(secretOf(AGREEMENT.bob.secret));
    expect(bytesToHex(alice.publicKey)).toBe(AGREEMENT.alice.public);
    expect(bytesToHex(bob.publicKey)).toBe(AGREEMENT.bob.public);
    expect(bytesToHex(agree(alice.secretKey, bob.publicKey)!.reveal())).toBe(AGREEMENT.shared);
    expect(bytesToHex(agree(bob.secretKey, alice.publicKey)!.reveal())).toBe(AGREEMENT.shared);
  });

  test("lets any two key pairs agree, and no third one with them", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (seed) => {
        const [a, b, c] = [
          agreementKeys(new Secret(seed)),
          agreementKeys(randomSecret(32)),
          agreementKeys(randomSecret(32)),
        ];
        const shared = agree(a.secretKey, b.publicKey)!.reveal();
        expect(agree(b.secretKey, a.publicKey)!.reveal()).toEqual(shared);
        expect(agree(c.secretKey, a.publicKey)!.reveal()).not.toEqual(shared);
      }),
      { numRuns: 20 },
    );
  });
});

describe("keys of X25519", () => {
  test("come from their seed alone, and survive its wiping", () => {
    const seed = randomSecret(32);
    const [one, two] = [agreementKeys(seed), agreementKeys(seed)];
    expect(one.publicKey).toEqual(two.publicKey);
    seed.wipe();
    expect(agree(one.secretKey, two.publicKey)!.reveal()).toEqual(
      agree(two.secretKey, one.publicKey)!.reveal(),
    );
  });

  test("copy a seed that came as a Buffer too", () => {
    const bytes = Buffer.alloc(32, 5);
    const { secretKey } = agreementKeys(new Secret(bytes));
    bytes.fill(0);
    expect(secretKey.reveal()).toEqual(new Uint8Array(32).fill(5));
  });

  test("of wrong length are a bug on our side, and nothing on the peer's", () => {
    const { secretKey, publicKey } = agreementKeys(randomSecret(32));
    expect(() => agreementKeys(randomSecret(31))).toThrow("32 bytes");
    expect(() => agree(randomSecret(33), publicKey)).toThrow("32 bytes");
    for (const length of [0, 31, 33, 64])
      expect(agree(secretKey, new Uint8Array(length).fill(9))).toBeUndefined();
    expect(publicKey).toHaveLength(PUBLIC_KEY_LENGTH);
  });

  test("are refused once they are wiped", () => {
    const { secretKey, publicKey } = agreementKeys(randomSecret(32));
    secretKey.wipe();
    expect(() => agree(secretKey, publicKey)).toThrow("wiped");
  });
});

/** u = (1 + y) / (1 - y), RFC 7748, section 4.1; the point at infinity (y = 1) is u = 0 here. */
const smallOrderU = (): readonly bigint[] => {
  const inverse = (value: bigint): bigint => {
    let result = 1n;
    for (let square = value, rest = P - 2n; rest > 0n; rest >>= 1n, square = (square * square) % P)
      if (rest & 1n) result = (result * square) % P;
    return result;
  };
  const us = smallOrderPoints().map(({ y }) => ((1n + y) * inverse((P + 1n - y) % P)) % P);
  // On the twist, u = -1 has order 4: it is the fifth and last u that a multiple of eight sends to nothing.
  return [...new Set([...us, P - 1n])];
};

describe("points of low order", () => {
  const encodings = smallOrderU().flatMap((u) =>
    [u, u + P].flatMap((value) => (value < 2n ** 255n ? [value, value + 2n ** 255n] : [])),
  );

  test("are five, in fourteen encodings", () => {
    expect(smallOrderU()).toHaveLength(5);
    expect(encodings).toHaveLength(14);
  });

  test.each(encodings.map((value) => bytesToHex(toBytes(value))))("give no secret: %s", (point) => {
    expect(agree(randomSecret(32), hex(point))).toBeUndefined();
  });

  test("are refused whatever our key is", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom(...encodings),
        (key, point) => {
          expect(agree(new Secret(key), toBytes(point))).toBeUndefined();
        },
      ),
      { numRuns: 100 },
    );
  });
});
