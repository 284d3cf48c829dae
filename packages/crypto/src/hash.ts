/** SHA-256 (FIPS 180-4), at once, in a stream, and over fields whose borders cannot be moved. */
import { createHash } from "node:crypto";
import { encodeFields } from "@bulkhead/base";

export const HASH_LENGTH = 32;

/** The hash of the parts one after the other; where one ends and the next begins is not hashed: see {@link hashFields}. */
export const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = new Sha256();
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** A hash over bytes that arrive in pieces; after {@link digest} it takes no more. */
export class Sha256 {
  readonly #hash = createHash("sha256");

  update(bytes: Uint8Array): this {
    this.#hash.update(bytes);
    return this;
  }

  digest(): Uint8Array {
    return new Uint8Array(this.#hash.digest());
  }
}

/** The hash of each part behind its length: two different lists of parts never share an input. */
export const hashFields = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  sha256(encodeFields(...parts));
