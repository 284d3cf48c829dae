/** Identities in files: the sealed one that its owner keeps, and the public part that others put into a contract. */
import fs from "node:fs";
import {
  bytesToHex,
  canonicalJson,
  fixedBytes,
  hexToBytes,
  InputError,
  oneOf,
  parseCanonicalJson,
  record,
  type Secret,
  ShapeError,
  text,
} from "@bulkhead/base";
import {
  createIdentity,
  type Identity,
  identityOfFile,
  isIdentityName,
  LONGEST_NAME,
  openIdentity,
  PUBLIC_KEY_LENGTH,
  sealIdentity,
} from "@bulkhead/crypto";
import { onDisk } from "./disk-error.ts";
import { writeFileAtomic } from "./file.ts";
import { readFileBounded } from "./read-file.ts";

export interface PublicIdentity {
  readonly name: string;
  readonly publicKey: Uint8Array;
}

/** Both kinds of file are below 1 KiB. */
const LONGEST_FILE = 4096;

/** A new identity, sealed under the passphrase and saved; throws an {@link InputError} where the file exists. */
export const createIdentityFile = async (
  path: string,
  name: string,
  passphrase: Secret,
): Promise<Identity> => {
  if (onDisk("read", path, () => fs.existsSync(path))) throw alreadyThere(path);
  const identity = createIdentity(name);
  await writeFileAtomic(path, sealIdentity(identity, passphrase));
  return identity;
};

/** Takes about half a second. Throws an {@link InputError}: `passphrase-wrong`, `identity-not-readable`, `path-…`. */
export const openIdentityFile = async (path: string, passphrase: Secret): Promise<Identity> => {
  const opened = openIdentity(await readFileBounded(path, LONGEST_FILE), passphrase);
  switch (opened.type) {
    case "opened":
      return opened.identity;
    case "wrong-passphrase":
      throw new InputError({
        code: "passphrase-wrong",
        place: path,
        problem: "the passphrase does not open this identity",
        cure: "give the passphrase that it was made with; a copy of the file helps where the file was changed",
      });
    case "not-an-identity-file":
      throw notReadable(path, opened.problem);
  }
};

/** The name and key that the sealed file states, without its passphrase: enough to show, not proven. */
export const readIdentityHeader = async (path: string): Promise<PublicIdentity> => {
  const header = identityOfFile(await readFileBounded(path, LONGEST_FILE));
  if (header === undefined) throw notReadable(path, "it is no identity file");
  return header;
};

/** The file that `identity export` writes: canonical JSON, to be given to the other parties. */
export const publicIdentityBytes = ({ name, publicKey }: PublicIdentity): Uint8Array =>
  canonicalJson({ format: "bulkhead-identity/1", name, publicKey: bytesToHex(publicKey) });

/** Throws an {@link InputError} `identity-not-readable` for anything but such a file. */
export const readPublicIdentity = async (path: string): Promise<PublicIdentity> => {
  const bytes = await readFileBounded(path, LONGEST_FILE);
  try {
    const file = publicIdentityShape(parseCanonicalJson(trimmed(bytes)));
    const publicKey = fixedBytes(PUBLIC_KEY_LENGTH)(hexToBytes(file.publicKey), "publicKey");
    if (!isIdentityName(file.name)) throw new ShapeError("name", "a visible name");
    return { name: file.name, publicKey };
  } catch (error) {
    if (error instanceof ShapeError) throw notReadable(path, `it is no public identity (${error.message})`);
    throw error;
  }
};

const publicIdentityShape = record({
  format: oneOf("bulkhead-identity/1"),
  name: text(LONGEST_NAME),
  publicKey: text(2 * PUBLIC_KEY_LENGTH),
});

/** Mail programs and editors add a line end to a file of one line; it says nothing. */
const trimmed = (bytes: Uint8Array): Uint8Array => {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
};

const alreadyThere = (path: string): InputError =>
  new InputError({
    code: "identity-exists",
    place: path,
    problem: "there is an identity already, and whoever overwrites it loses it for good",
    cure: "use it, or name another file",
  });

const notReadable = (path: string, problem: string): InputError =>
  new InputError({
    code: "identity-not-readable",
    place: path,
    problem,
    cure: "name the file that `init` (or, for the public part, `identity export`) wrote",
  });
