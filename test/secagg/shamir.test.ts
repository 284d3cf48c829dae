import { Secret } from "@bulkhead/base";
import { keystream, segmentNonce } from "@bulkhead/crypto";
import {
  combineShares,
  memberId,
  type MemberId,
  type Share,
  splitSecret,
  thresholdOf,
} from "@bulkhead/secagg";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { slowValueAt, slowValueAtZero } from "../reference/shamir.ts";

const seedOf = (name: number): Secret =>
  new Secret(keystream({ key: new Uint8Array(32), nonce: segmentNonce(name), offset: 0 }, 32));

const members = (count: number): MemberId[] => Array.from({ length: count }, (_, i) => memberId(i + 1));

const secretOf = (...bytes: readonly number[]): Secret => new Secret(Uint8Array.from(bytes));

const split = (secret: Secret, threshold: number, holders: readonly MemberId[], seed = seedOf(1)) =>
  splitSecret(secret, { threshold, holders, seed });

interface Case {
  readonly secret: Uint8Array;
  readonly holders: readonly MemberId[];
  readonly threshold: number;
  readonly seed: Uint8Array;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    secret: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    holders: fc.uniqueArray(
      fc.integer({ min: 1, max: 255 }).map((position) => memberId(position)),
      {
        minLength: 1,
        maxLength: 20,
      },
    ),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    seed: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  })
  .map(({ secret, holders, part, seed }) => ({
    secret,
    holders,
    threshold: 1 + Math.floor(part * (holders.length - 1)),
    seed,
  }));

const splitCase = ({ secret, holders, threshold, seed }: Case): readonly Share[] =>
  splitSecret(new Secret(secret.slice()), { threshold, holders, seed: new Secret(seed.slice()) });

describe("sharing", () => {
  test("gives what polynomials over the keystream of the seed give", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { secret, holders, threshold, seed } = given;
        // Coefficients take whole words: a secret of five bytes takes eight of each stretch.
        const width = 4 * Math.ceil(secret.length / 4);
        const random = keystream(
          { key: seed, nonce: new Uint8Array(12), offset: 0 },
          width * (threshold - 1),
        );
        const wanted = holders.map((holder) => ({
          holder,
          bytes: secret.map((byte, i) =>
            slowValueAt(holder, [
              byte,
              ...Array.from({ length: threshold - 1 }, (_, power) => random[power * width + i]!),
            ]),
          ),
        }));
        expect(splitCase(given)).toEqual(wanted);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test("any threshold of the shares, in any order, and any more rebuild the secret", () => {
    const subsets = cases.chain((given) =>
      fc.record({
        given: fc.constant(given),
        chosen: fc.shuffledSubarray([...given.holders], { minLength: given.threshold }),
      }),
    );
    fc.assert(
      fc.property(subsets, ({ given, chosen }) => {
        const shares = splitCase(given);
        const some = chosen.map((holder) => shares.find((share) => share.holder === holder)!);
        expect(combineShares(some).reveal()).toEqual(given.secret);
      }),
      { numRuns: 100, seed: 2 },
    );
  });

  test("every one of 255 holders counts, at the threshold of the roster", () => {
    const secret = secretOf(...Array.from({ length: 32 }, (_, i) => 7 * i));
    const shares = split(secret, thresholdOf(255), members(255));
    expect(combineShares(shares.slice(-171)).reveal()).toEqual(secret.reveal());
    expect(combineShares(shares.slice(0, 171)).reveal()).toEqual(secret.reveal());
    expect(combineShares(shares.slice(0, 170)).reveal()).not.toEqual(secret.reveal());
  });

  test("combining gives what interpolation point by point gives, right or wrong", () => {
    fc.assert(
      fc.property(cases, fc.infiniteStream(fc.integer({ min: 0, max: 255 })), (given, noise) => {
        const shares = splitCase(given).map(({ holder, bytes }) => ({
          holder,
          bytes: bytes.map(() => noise.next().value),
        }));
        const wanted = given.secret.map((_, i) =>
          slowValueAtZero(shares.map(({ holder, bytes }) => ({ x: holder, y: bytes[i]! }))),
        );
        expect(combineShares(shares).reveal()).toEqual(wanted);
      }),
      { numRuns: 20, seed: 3 },
    );
  });

  test("secret and seed stay as they are", () => {
    const [secret, seed] = [secretOf(1, 2, 3), seedOf(4)];
    const before = [secret.reveal().slice(), seed.reveal().slice()];
    split(secret, 2, members(3), seed);
    expect([secret.reveal(), seed.reveal()]).toEqual(before);
  });
});

describe("fewer shares than the threshold tell nothing", () => {
  const SECRET = 0xa7;
  const RUNS = 256 * 100;
  /** For 255 degrees of freedom a uniform sample exceeds this twice in 10^8; the sample here is always the same. */
  const CHI_SQUARE_BOUND = 400;

  const chiSquare = (counts: Uint32Array): number => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const expected = total / counts.length;
    return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  };

  /** Shares of one secret byte, 32 times over, under many seeds: four holders, three needed. */
  const sharings = Array.from({ length: RUNS / 32 }, (_, run) =>
    split(new Secret(new Uint8Array(32).fill(SECRET)), 3, members(4), seedOf(run)),
  );
  const sample = sharings.flatMap((shares) =>
    Array.from({ length: 32 }, (_, i) => shares.map(({ bytes }) => bytes[i]!)),
  );

  test("each share alone is uniform", () => {
    for (const holder of [0, 1, 2, 3]) {
      const counts = new Uint32Array(256);
      for (const shares of sample) counts[shares[holder]!]!++;
      expect(chiSquare(counts)).toBeLessThan(CHI_SQUARE_BOUND);
    }
  });

  test("two of three shares together are uniform", () => {
    for (const [a, b] of [
      [0, 1],
      [0, 3],
      [1, 2],
      [2, 3],
    ] as const) {
      // Four bits of each: 256 cells, as many as the sample can fill.
      const counts = new Uint32Array(256);
      for (const shares of sample) counts[(shares[a]! & 15) * 16 + (shares[b]! >>> 4)]!++;
      expect(chiSquare(counts)).toBeLessThan(CHI_SQUARE_BOUND);
    }
  });

  test("what two of three shares would rebuild is uniform, so that it is the secret once in 256", () => {
    const counts = new Uint32Array(256);
    for (const shares of sharings)
      for (const byte of combineShares(shares.slice(0, 2)).reveal()) counts[byte]!++;
    expect(chiSquare(counts)).toBeLessThan(CHI_SQUARE_BOUND);
    expect(counts[SECRET]).toBeGreaterThan(0);
  });

  test("the bound refuses a sample that is off by one part in eight at half its values", () => {
    expect(chiSquare(Uint32Array.from({ length: 256 }, (_, i) => (i % 2 === 0 ? 107 : 93)))).toBeLessThan(
      400,
    );
    expect(chiSquare(Uint32Array.from({ length: 256 }, (_, i) => (i % 2 === 0 ? 113 : 87)))).toBeGreaterThan(
      400,
    );
  });
});

test("what cannot be shared or rebuilt throws", () => {
  const secret = secretOf(1, 2, 3, 4);
  const [a, b, c] = split(secret, 2, members(3));
  expect(() => split(secret, 4, members(3))).toThrow("broken invariant");
  expect(() => split(secret, 0, members(3))).toThrow("broken invariant");
  expect(() => split(secret, 2, [memberId(1), memberId(1), memberId(2)])).toThrow("distinct");
  expect(() => combineShares([])).toThrow("at least one");
  expect(() => combineShares([a!, a!])).toThrow("distinct");
  expect(() => combineShares([a!, { ...b!, bytes: c!.bytes.subarray(1) }])).toThrow("one length");
});
