/**
 * XSalsa20-Poly1305 (NaCl `secretbox`) for small secrets under a key that was derived for one message: the nonce is
 * zero and there is no associated data, because whatever binds the message is in the derivation of its key.
 */
import { invariant, type Secret } from "@bulkhead/base";
import nacl from "tweetnacl";

export const SMALL_BOX_OVERHEAD = nacl.secretbox.overheadLength;

const ZERO_NONCE = new Uint8Array(nacl.secretbox.nonceLength);
const sealedWith = new WeakSet<Secret>();

/** Throws when a key seals a second time. */
export const sealOnce = (oneTimeKey: Secret, plaintext: Uint8Array): Uint8Array => {
  checkLength(oneTimeKey);
  invariant(!sealedWith.has(oneTimeKey), "a one-time key seals once");
  sealedWith.add(oneTimeKey);
  return nacl.secretbox(plaintext, ZERO_NONCE, oneTimeKey.reveal());
};

/** Gives `undefined` for anything that was not sealed under this key. */
export const openOnce = (oneTimeKey: Secret, sealed: Uint8Array): Uint8Array | undefined => {
  checkLength(oneTimeKey);
  return nacl.secretbox.open(sealed, ZERO_NONCE, oneTimeKey.reveal()) ?? undefined;
};

const checkLength = (key: Secret): void =>
  invariant(key.length === nacl.secretbox.keyLength, "a small box takes 32 bytes of key");
