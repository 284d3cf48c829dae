/** HKDF-SHA-256 (RFC 5869): every key of the protocol comes from a secret, a salt and a label through this. */
import { hkdfSync } from "node:crypto";
import { Secret } from "@bulkhead/base";

export interface Derivation {
  readonly secret: Secret;
  /** Public; binds the key to its context. May be empty. */
  readonly salt: Uint8Array;
  /** Public; separates the uses of one secret. At most 1,024 bytes. */
  readonly info: Uint8Array;
  /** In bytes, 32 if absent, at most 8,160. */
  readonly length?: number;
}

/** Gives a fresh secret; `from.secret` stays as it is, and is the caller's to wipe. */
export const deriveSecret = ({ secret, salt, info, length = 32 }: Derivation): Secret =>
  new Secret(new Uint8Array(hkdfSync("sha256", secret.reveal(), salt, info, length)));
