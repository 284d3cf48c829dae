/**
 * Raw 32-byte keys of the two curves, in and out of the key objects of `node:crypto`, through JWK: through DER the
 * import of a secret key costs ten times more. The price is one short-lived string per use of a secret key, which
 * cannot be wiped; the key object itself is cleared by OpenSSL.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { invariant, type Secret } from "@bulkhead/base";

type Curve = "X25519" | "Ed25519";

export const importSecretKey = (curve: Curve, secretKey: Secret): KeyObject => {
  invariant(secretKey.length === 32, `a secret ${curve} key has 32 bytes`);
  // Node asks for the public half too, and then computes its own.
  const key = { kty: "OKP", crv: curve, x: "", d: toBase64Url(secretKey.reveal()) };
  return createPrivateKey({ key, format: "jwk" });
};

const MOST_KEPT = 1024;
const kept = new Map<string, KeyObject>();

/** An import takes half as long as a use, and the same few keys are used again and again. */
export const importPublicKey = (curve: Curve, publicKey: Uint8Array): KeyObject => {
  const x = toBase64Url(publicKey);
  const name = curve + x;
  const known = kept.get(name);
  if (known !== undefined) return known;
  const key = createPublicKey({ key: { kty: "OKP", crv: curve, x }, format: "jwk" });
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(name, key);
  return key;
};

export const publicKeyOf = (secretKey: KeyObject): Uint8Array => {
  const { x } = createPublicKey(secretKey).export({ format: "jwk" });
  invariant(x !== undefined, "a public key has an x");
  return new Uint8Array(Buffer.from(x, "base64url"));
};

/** Over a view: a copied `Buffer` would leave the bytes in the pool that all small buffers share. */
const toBase64Url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
