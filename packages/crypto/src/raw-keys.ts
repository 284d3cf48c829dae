/**
 * Raw 32-byte keys of the two curves, in and out of the key objects of `node:crypto`, through JWK: through DER the
 * import of a secret key costs ten times more. The price is one short-lived string per use of a secret key, which
 * cannot be wiped; the key object itself is cleared by OpenSSL.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { equalBytes, invariant, type Secret } from "@bulkhead/base";

type Curve = "X25519" | "Ed25519";

export const importSecretKey = (curve: Curve, secretKey: Secret): KeyObject => {
  invariant(secretKey.length === 32, `a secret ${curve} key has 32 bytes`);
  // Node asks for the public half too, and then computes its own.
  const key = { kty: "OKP", crv: curve, x: "", d: toBase64Url(secretKey.reveal()) };
  return createPrivateKey({ key, format: "jwk" });
};

/** An import takes half as long as a use, and a party's key is used many times in a round. */
export const importPublicKey = (curve: Curve, publicKey: Uint8Array): KeyObject => {
  const known = imported.get(publicKey);
  // Whoever writes into an array that was a key has another key.
  if (known?.curve === curve && equalBytes(known.bytes, publicKey)) return known.key;
  const jwk = { kty: "OKP", crv: curve, x: toBase64Url(publicKey) };
  const key = createPublicKey({ key: jwk, format: "jwk" });
  imported.set(publicKey, { curve, bytes: new Uint8Array(publicKey), key });
  return key;
};

interface Imported {
  readonly curve: Curve;
  readonly bytes: Uint8Array;
  readonly key: KeyObject;
}

/** For as long as somebody holds the array. */
const imported = new WeakMap<Uint8Array, Imported>();

export const publicKeyOf = (secretKey: KeyObject): Uint8Array => {
  const { x } = createPublicKey(secretKey).export({ format: "jwk" });
  invariant(x !== undefined, "a public key has an x");
  return new Uint8Array(Buffer.from(x, "base64url"));
};

/** Over a view: a copied `Buffer` would leave the bytes in the pool that all small buffers share. */
const toBase64Url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64url");
