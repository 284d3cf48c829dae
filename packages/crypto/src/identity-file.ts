/**
 * The file in which an identity rests: a header in the clear and a small box. The key of the box comes from the
 * passphrase and from a salt that no other file has; in the box the secrets stand behind the hash of the header, so
 * that a name or a key put into the header later is noticed.
 */
import {
  type CanonicalType,
  concatBytes,
  decodeCanonical,
  encodeCanonical,
  equalBytes,
  InputError,
  invariant,
  rawBytes,
  Secret,
  ShapeError,
  struct,
  u8,
  varText,
} from "@bulkhead/base";
import { PUBLIC_KEY_LENGTH } from "./agreement.ts";
import { HASH_LENGTH, sha256 } from "./hash.ts";
import { type Identity, isIdentityName, LONGEST_NAME, SITE_SECRET_LENGTH } from "./identity.ts";
import { randomBytes } from "./random.ts";
import { isBearableCost, type ScryptCost, scryptSecret, WRITTEN_COST } from "./scrypt.ts";
import { signingKeys } from "./signing.ts";
import { openOnce, sealOnce, SMALL_BOX_OVERHEAD } from "./small-box.ts";

export type OpenedIdentity =
  | { readonly type: "opened"; readonly identity: Identity }
  | { readonly type: "wrong-passphrase" }
  | { readonly type: "not-an-identity-file"; readonly problem: string };

const FORMAT = "bulkhead/1 identity";
const SALT_LENGTH = 32;
const BOXED_LENGTH = HASH_LENGTH + 32 + SITE_SECRET_LENGTH;

const HEADER = struct({
  format: varText(32),
  name: varText(LONGEST_NAME),
  publicKey: rawBytes(PUBLIC_KEY_LENGTH),
  logN: u8,
  r: u8,
  p: u8,
  salt: rawBytes(SALT_LENGTH),
});
const FILE = struct({ header: HEADER, box: rawBytes(BOXED_LENGTH + SMALL_BOX_OVERHEAD) });

/**
 * The bytes of the file, other ones each time; takes about half a second. An empty passphrase is an `InputError`. A lower
 * cost is for identities that protect nothing, as those of tests and scenarios: the product itself never names one.
 */
export const sealIdentity = (
  { name, signing, siteSecret }: Identity,
  passphrase: Secret,
  cost: ScryptCost = WRITTEN_COST,
): Uint8Array => {
  invariant(isBearableCost(cost), "what is written can be read");
  if (passphrase.length === 0)
    throw new InputError({
      code: "passphrase-empty",
      place: "passphrase",
      problem: "it is empty",
      cure: "give a passphrase of some words",
    });
  const salt = randomBytes(SALT_LENGTH);
  const header = { format: FORMAT, name, publicKey: signing.publicKey, ...cost, salt };
  const headerHash = sha256(encodeCanonical(HEADER, header));
  const boxed = new Secret(concatBytes(headerHash, signing.secretKey.reveal(), siteSecret.reveal()));
  const key = scryptSecret(passphrase, salt, cost);
  const box = sealOnce(key, boxed.reveal());
  key.wipe();
  boxed.wipe();
  return encodeCanonical(FILE, { header, box });
};

/** Takes about half a second. Whoever can write the file can also make it look like a wrong passphrase. */
export const openIdentity = (file: Uint8Array, passphrase: Secret): OpenedIdentity => {
  const read = readFile(file);
  if (typeof read === "string") return { type: "not-an-identity-file", problem: read };
  const key = scryptSecret(passphrase, read.header.salt, read.header);
  const boxed = openOnce(key, read.box);
  key.wipe();
  if (boxed === undefined) return { type: "wrong-passphrase" };
  const identity = identityFrom(read.header, boxed);
  boxed.fill(0);
  if (identity === undefined) return { type: "not-an-identity-file", problem: "its header was altered" };
  return { type: "opened", identity };
};

/** The name and key that the header states: unproven until the file is opened. `undefined` if it is no such file. */
export const identityOfFile = (
  file: Uint8Array,
): { readonly name: string; readonly publicKey: Uint8Array } | undefined => {
  const read = readFile(file);
  return typeof read === "string" ? undefined : { name: read.header.name, publicKey: read.header.publicKey };
};

/** Gives the problem, as a clause, where the bytes are no identity file that this program reads. */
const readFile = (bytes: Uint8Array): CanonicalType<typeof FILE> | string => {
  try {
    const file = decodeCanonical(FILE, bytes);
    if (file.header.format !== FORMAT) return `it is not in the format ${FORMAT}`;
    if (!isIdentityName(file.header.name)) return "its name has characters that do not show";
    if (!isBearableCost(file.header)) return "its scrypt parameters are out of range";
    return file;
  } catch (error) {
    if (error instanceof ShapeError) return `it is damaged or of another kind (${error.message})`;
    throw error;
  }
};

const identityFrom = (header: CanonicalType<typeof HEADER>, boxed: Uint8Array): Identity | undefined => {
  if (!equalBytes(boxed.subarray(0, HASH_LENGTH), sha256(encodeCanonical(HEADER, header)))) return undefined;
  const seed = new Secret(boxed.slice(HASH_LENGTH, HASH_LENGTH + 32));
  const signing = signingKeys(seed);
  seed.wipe();
  if (!equalBytes(signing.publicKey, header.publicKey)) return undefined;
  return { name: header.name, signing, siteSecret: new Secret(boxed.slice(HASH_LENGTH + 32)) };
};
