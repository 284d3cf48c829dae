/** ChaCha20-Poly1305 (RFC 8439, section 2.8). The nonce is the caller's: one that comes twice under one key breaks both. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { invariant, type Secret } from "@bulkhead/base";

const CIPHER = "chacha20-poly1305";
const KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
/** So much stays in the cache; a large piece of fresh memory for each call costs more than the cipher. */
const PIECE = 64 * 1024;

/** The ciphertext and behind it the tag of 16 bytes. */
export const seal = (key: Secret, nonce: Uint8Array, plaintext: Uint8Array, aad: Uint8Array): Uint8Array => {
  checkLengths(key, nonce);
  const cipher = createCipheriv(CIPHER, key.reveal(), nonce, { authTagLength: TAG_LENGTH });
  cipher.setAAD(aad, { plaintextLength: plaintext.length });
  const sealed = new Uint8Array(plaintext.length + TAG_LENGTH);
  for (let at = 0; at < plaintext.length; at += PIECE)
    sealed.set(cipher.update(plaintext.subarray(at, at + PIECE)), at);
  cipher.final();
  sealed.set(cipher.getAuthTag(), plaintext.length);
  return sealed;
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
  const plaintext = new Uint8Array(length);
  for (let at = 0; at < length; at += PIECE) {
    const piece = decipher.update(sealed.subarray(at, Math.min(length, at + PIECE)));
    plaintext.set(piece, at);
    piece.fill(0);
  }
  try {
    decipher.final();
  } catch {
    plaintext.fill(0);
    return undefined;
  }
  return plaintext;
};

/** Left to itself, Node would pad a short nonce. */
const checkLengths = (key: Secret, nonce: Uint8Array): void => {
  invariant(key.length === KEY_LENGTH, "ChaCha20-Poly1305 takes 32 bytes of key");
  invariant(nonce.length === NONCE_LENGTH, "ChaCha20-Poly1305 takes 12 bytes of nonce");
};
