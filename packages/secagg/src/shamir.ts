/**
 * Sharing of a secret among holders, any `threshold` of whom can rebuild it and fewer learn nothing [Shamir79]: byte by
 * byte a polynomial of degree `threshold - 1` over GF(2^8) whose value at 0 is the secret, and at x the share of holder x.
 * Its leading coefficient may be zero; forcing it not to be would rule out secrets.
 */
import { invariant, Secret } from "@bulkhead/base";
import { keystream } from "@bulkhead/crypto";
import { inverse, multiply } from "./gf256.ts";
import type { MemberId } from "./member.ts";

export interface Share {
  readonly holder: MemberId;
  /** Secret; as long as what is shared. */
  readonly bytes: Uint8Array;
}

export interface Sharing {
  readonly threshold: number;
  /** Distinct. */
  readonly holders: readonly MemberId[];
  /** 32 bytes for this sharing alone: they give the coefficients. */
  readonly seed: Secret;
}

/** The shares in the order of `holders`; `secret` and `seed` stay as they are, and are the caller's to wipe. */
export const splitSecret = (secret: Secret, { threshold, holders, seed }: Sharing): readonly Share[] => {
  invariant(new Set(holders).size === holders.length, "holders of shares are distinct");
  invariant(Number.isInteger(threshold) && threshold >= 1, "a threshold is a positive integer");
  invariant(threshold <= holders.length, "there are at least as many holders as the threshold asks");
  const constant = bytesToWords(secret.reveal());
  const width = constant.length;
  const coefficients = polynomial(constant, threshold, seed);
  const shares = holders.map((holder) => {
    const value = valueAt(holder, coefficients, width);
    const bytes = wordsToBytes(value, secret.length);
    value.fill(0);
    return { holder, bytes };
  });
  coefficients.fill(0);
  constant.fill(0);
  return shares;
};

/**
 * Rebuilds the secret from exactly the shares given. Whether they are enough and genuine cannot be seen from them: too
 * few or a wrong one give another secret, so that the caller checks each against the owner's root, and the result too.
 */
export const combineShares = (shares: readonly Share[]): Secret => {
  const [first] = shares;
  invariant(first !== undefined, "a secret is rebuilt from at least one share");
  invariant(
    shares.every(({ bytes }) => bytes.length === first.bytes.length),
    "shares of one secret have one length",
  );
  const points = shares.map(({ holder }) => holder);
  invariant(new Set(points).size === points.length, "holders of shares are distinct");
  const sum = new Int32Array(Math.ceil(first.bytes.length / 4));
  for (const { holder, bytes } of shares) {
    const weight = weightAtZero(holder, points);
    const words = bytesToWords(bytes);
    for (let i = 0; i < sum.length; i++) sum[i]! ^= multiply(words[i]!, weight);
    words.fill(0);
  }
  const secret = new Secret(wordsToBytes(sum, first.bytes.length));
  sum.fill(0);
  return secret;
};

/** The coefficients from the constant up, each `constant.length` words. */
const polynomial = (constant: Int32Array, threshold: number, seed: Secret): Int32Array => {
  const width = constant.length;
  const coefficients = new Int32Array(width * threshold);
  coefficients.set(constant);
  const random = keystream(
    { key: seed.reveal(), nonce: new Uint8Array(12), offset: 0 },
    4 * width * (threshold - 1),
  );
  const words = bytesToWords(random);
  coefficients.set(words, width);
  words.fill(0);
  random.fill(0);
  return coefficients;
};

/** Horner's rule at x. */
const valueAt = (x: number, coefficients: Int32Array, width: number): Int32Array => {
  const value = new Int32Array(width);
  for (let at = coefficients.length - width; at >= 0; at -= width)
    for (let i = 0; i < width; i++) value[i] = multiply(value[i]!, x) ^ coefficients[at + i]!;
  return value;
};

/** Lagrange's basis polynomial of `point` at 0: the product of other / (other - point), where minus is exclusive or. */
const weightAtZero = (point: number, points: readonly number[]): number => {
  let numerator = 1;
  let denominator = 1;
  for (const other of points)
    if (other !== point) {
      numerator = multiply(numerator, other);
      denominator = multiply(denominator, other ^ point);
    }
  return multiply(numerator, inverse(denominator));
};

/** Four bytes a word, the last word filled up with zeros; any fixed order does, as bytes never mix. */
const bytesToWords = (bytes: Uint8Array): Int32Array => {
  const words = new Int32Array(Math.ceil(bytes.length / 4));
  for (let i = 0; i < bytes.length; i++) words[i >>> 2]! |= bytes[i]! << (8 * (i & 3));
  return words;
};

const wordsToBytes = (words: Int32Array, length: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = words[i >>> 2]! >>> (8 * (i & 3));
  return bytes;
};
