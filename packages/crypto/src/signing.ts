/**
 * Ed25519 (RFC 8032), with strict verification. Each signature that verifies is the only encoding of itself, and no
 * key or signature exists that verifies for more than one message: S below the order L, coordinates below p, and
 * points of small order are checked here, the cofactorless equation SB = R + hA by OpenSSL.
 */
import { sign as signWith, verify as verifyWith } from "node:crypto";
import { equalBytes, hexToBytes, invariant, Secret } from "@bulkhead/base";
import { PUBLIC_KEY_LENGTH } from "./agreement.ts";
import { importPublicKey, importSecretKey, publicKeyOf } from "./raw-keys.ts";

export const SIGNATURE_LENGTH = 64;

export interface SigningKeys {
  readonly publicKey: Uint8Array;
  readonly secretKey: Secret;
}

/** The key pair of a 32-byte seed, always the same; the secret key is a copy, so the seed may be wiped. */
export const signingKeys = (seed: Secret): SigningKeys => {
  const publicKey = publicKeyOf(importSecretKey("Ed25519", seed));
  return { publicKey, secretKey: new Secret(new Uint8Array(seed.reveal())) };
};

/** The public half is computed from the secret key each time, so that no caller can pair a message with a wrong one. */
export const sign = (secretKey: Secret, message: Uint8Array): Uint8Array =>
  // oxlint-disable-next-line unicorn/no-null -- Ed25519 hashes by itself: node:crypto wants no digest named
  new Uint8Array(signWith(null, message, importSecretKey("Ed25519", secretKey)));

/** Never throws on any bytes. */
export const verify = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean => {
  if (publicKey.length !== PUBLIC_KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  if (!isSoundPoint(publicKey) || !isSoundPoint(signature.subarray(0, 32))) return false;
  if (!isBelow(signature.subarray(32), ORDER)) return false;
  return verifyWith(null, message, importPublicKey("Ed25519", publicKey), signature);
};

const littleEndian = (hex: string): Uint8Array => {
  const bytes = hexToBytes(hex);
  invariant(bytes?.length === 32, "a constant of 32 bytes");
  return bytes.toReversed();
};

/** L = 2^252 + 27742317777372353535851937790883648493. */
const ORDER = littleEndian("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed");
/** p = 2^255 - 19. */
const PRIME = littleEndian("7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed");
/** The y of the eight points whose order divides 8; each stands for both signs of x. */
const SMALL_ORDER_Y = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000001",
  "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
  "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7",
  "05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826",
].map(littleEndian);

/** Whether an encoded point has a canonical y and more than small order; whether it lies on the curve OpenSSL says. */
const isSoundPoint = (point: Uint8Array): boolean => {
  const y = new Uint8Array(point);
  y[31]! &= 0x7f;
  return isBelow(y, PRIME) && !SMALL_ORDER_Y.some((small) => equalBytes(small, y));
};

/** Compares little-endian numbers of 32 bytes. All that is compared here is public. */
const isBelow = (value: Uint8Array, bound: Uint8Array): boolean => {
  for (let i = 31; i >= 0; i--) if (value[i] !== bound[i]) return value[i]! < bound[i]!;
  return false;
};
