/** `init`'s identity, `identity show` and `identity export`, and the sealed identity opened for work. */
import fs from "node:fs";
import path from "node:path";
import { bytesToHex, InputError, utf8ToText } from "@bulkhead/base";
import { EXIT, type ExitCode, type PassphraseSource, readPassphrase } from "@bulkhead/console";
import { fingerprintText, type Identity, safetyNumber } from "@bulkhead/crypto";
import {
  createIdentityFile,
  makeFolder,
  openIdentityFile,
  type PublicIdentity,
  publicIdentityBytes,
  readIdentityHeader,
  writeFileAtomic,
} from "@bulkhead/store";
import { tellResult } from "./tell-result.ts";

/** The public part; no passphrase is needed. */
export const showIdentity = async (file: string, json: true | undefined): Promise<ExitCode> => {
  const { name, publicKey } = await readIdentityHeader(file);
  tellResult(json, { name, publicKey: bytesToHex(publicKey), safetyNumber: safetyNumber(publicKey) }, [
    `Name           ${name}`,
    `Public key     ${bytesToHex(publicKey)}`,
    `Safety number  ${safetyNumber(publicKey)}`,
    `Fingerprint    ${fingerprintText(publicKey)}`,
  ]);
  return EXIT.done;
};

/** To `out`, or to stdout: the file is JSON already. */
export const exportIdentity = async (
  file: string,
  out: string | undefined,
  json: true | undefined,
): Promise<ExitCode> => {
  const identity = await readIdentityHeader(file);
  const bytes = publicIdentityBytes(identity);
  if (out === undefined) process.stdout.write(`${utf8ToText(bytes)}\n`);
  else await writeFileAtomic(out, bytes, { mode: 0o644 });
  if (out !== undefined && json) tellResult(json, { name: identity.name, file: out }, []);
  return EXIT.done;
};

/** Asks for a new passphrase, and makes the identity in a folder that is made if missing; overwrites nothing. */
export const makeIdentity = async (
  file: string,
  name: string,
  source: PassphraseSource,
): Promise<PublicIdentity> => {
  expectAbsent(file);
  expectContractName(name);
  const passphrase = await readPassphrase(source, { isNew: true, purpose: `identity of ${name}` });
  try {
    await makeFolder(path.dirname(file));
    const { signing, siteSecret } = await createIdentityFile(file, name, passphrase);
    for (const secret of [signing.secretKey, siteSecret]) secret.wipe();
    return { name, publicKey: signing.publicKey };
  } finally {
    passphrase.wipe();
  }
};

/** Asks for the passphrase by the identity's name, and wipes it. */
export const openIdentity = async (file: string, source: PassphraseSource): Promise<Identity> => {
  const { name } = await readIdentityHeader(file);
  const passphrase = await readPassphrase(source, { purpose: `identity of ${name}` });
  try {
    return await openIdentityFile(file, passphrase);
  } finally {
    passphrase.wipe();
  }
};

/** Of files that `init` writes: it overwrites nothing. */
export const expectAbsent = (file: string): void => {
  if (!fs.existsSync(file)) return;
  throw new InputError({
    code: "path-exists",
    place: file,
    problem: "it is there already",
    cure: "use it, or name another folder",
  });
};

/** What contracts take; better said now than when the first one is drafted. */
const expectContractName = (name: string): void => {
  if (/^[a-z0-9][a-z0-9._-]{0,62}$/u.test(name)) return;
  throw new InputError({
    code: "usage-option",
    place: "--name",
    problem: "a name in contracts has lower-case letters, digits, dot, dash and underscore",
    cure: "choose such a name, of at most 63 characters",
  });
};
