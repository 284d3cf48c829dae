/**
 * An enterprise's identity (protocol.md 2.2): its long-lived signing key and its site secret, which seeds what must
 * repeat (protocol.md 2.4).
 */
import { InputError, type Secret, utf8 } from "@bulkhead/base";
import { randomSecret } from "./random.ts";
import { type SigningKeys, signingKeys } from "./signing.ts";

export interface Identity {
  readonly name: string;
  readonly signing: SigningKeys;
  readonly siteSecret: Secret;
}

/** In bytes of UTF-8. */
export const LONGEST_NAME = 100;
export const SITE_SECRET_LENGTH = 32;

/** A new identity from the randomness of the system. */
export const createIdentity = (name: string): Identity => {
  if (!isIdentityName(name))
    throw new InputError({
      code: "identity-name",
      place: "identity name",
      problem: "it is empty, too long, or has characters that do not show",
      cure: `use 1 to ${LONGEST_NAME} bytes of visible text without a space at either end`,
    });
  const seed = randomSecret(32);
  const signing = signingKeys(seed);
  seed.wipe();
  return { name, signing, siteSecret: randomSecret(SITE_SECRET_LENGTH) };
};

/** People tell names apart by sight: no controls, no invisible or reordering characters, one spelling per text. */
export const isIdentityName = (name: string): boolean =>
  name !== "" &&
  !/[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u.test(name) &&
  name === name.normalize("NFC") &&
  name === name.trim() &&
  utf8(name).length <= LONGEST_NAME;
