/**
 * X25519 (RFC 7748). A peer's point of low order would make the shared secret known to everyone: its all-zero result
 * is refused (RFC 7748, section 6.1).
 */
import { diffieHellman, type KeyObject } from "node:crypto";
import { Secret } from "@bulkhead/base";
import { importPublicKey, importSecretKey, publicKeyOf } from "./raw-keys.ts";

export const PUBLIC_KEY_LENGTH = 32;

export interface AgreementKeys {
  readonly publicKey: Uint8Array;
  readonly secretKey: Secret;
}

/** The key pair of a 32-byte seed, always the same; the secret key is a copy, so the seed may be wiped. */
export const agreementKeys = (seed: Secret): AgreementKeys => {
  const publicKey = publicKeyOf(importSecretKey("X25519", seed));
  return { publicKey, secretKey: new Secret(new Uint8Array(seed.reveal())) };
};

/** Gives `undefined` for a peer key of wrong length or low order; a secret key of wrong length is a bug and throws. */
export const agree = (secretKey: Secret, peerPublicKey: Uint8Array): Secret | undefined =>
  agreeWith(secretKey)(peerPublicKey);

/**
 * {@link agree} with one peer after the other: an import of a secret key takes as long as an agreement. Not to be kept:
 * it has a copy of the key, which wiping `secretKey` does not reach.
 */
export const agreeWith = (secretKey: Secret): ((peerPublicKey: Uint8Array) => Secret | undefined) => {
  const privateKey = importSecretKey("X25519", secretKey);
  return (peerPublicKey) => {
    if (peerPublicKey.length !== PUBLIC_KEY_LENGTH) return undefined;
    const shared = diffieHellmanOrNothing(privateKey, importPublicKey("X25519", peerPublicKey));
    if (shared === undefined) return undefined;
    const secret = new Secret(new Uint8Array(shared));
    shared.fill(0);
    return secret.reveal().every((byte) => byte === 0) ? undefined : secret;
  };
};

/** OpenSSL fails on an all-zero result by itself; with both keys imported, nothing else can make it fail. */
const diffieHellmanOrNothing = (privateKey: KeyObject, publicKey: KeyObject): Buffer | undefined => {
  try {
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return undefined;
  }
};
