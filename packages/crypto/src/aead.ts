/** ChaCha20-Poly1305 (RFC 8439, section 2.8). The nonce is the caller's: one that comes twice under one key breaks both. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { concatBytes, invariant, type Secret } from "@bulkhead/base";

const CIPHER = "chacha20-poly1305";
const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

/** The ciphertext and behind it the tag of 16 bytes. */
export const seal = (key: Secret, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array => {
  checkLengths(key, nonce);
  const cipher = createCipheriv(CIPHER, key.reveal(), nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return concatBytes(ciphertext, cipher.getAuthTag());
};

/** Gives `undefined` for anything that was not sealed with the same key, nonce and `aad`. */
export const open = (
  key: Secret,
  nonce: Uint8Array,
  sealed: Uint8Array,
  aad: Uint8Array,
): Uint8Array | undefined => {
  checkLengths(key, nonce);
  if (sealed.length < TAG_LENGTH) return undefined;
  const length = sealed.length - TAG_LENGTH;
  const decipher = createDecipheriv(CIPHER, key.reveal(), nonce, { authTagLength: TAG_LENGTH });
  decipher.setAAD(aad, { plaintextLength: length });
  decipher.setAuthTag(sealed.subarray(length));
  const plaintext = decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
};

/** Left to itself, Node would pad a short nonce. */
const checkLengths = (key: Secret, nonce: Uint8Array): void => {
  invariant(key.length === KEY_LENGTH, "ChaCha20-Poly1305 takes 32 bytes of key");
  invariant(nonce.length === NONCE_LENGTH, "ChaCha20-Poly1305 takes 12 bytes of nonce");
};
