/** Files named by the SHA-256 of their content: written once, whole, and checked whenever they are read. */
import fs from "node:fs";
import { join } from "node:path";
import { bytesToHex, InputError, invariant } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { onDisk } from "./disk-error.ts";
import { makeFolder, sweepLeftovers, writeFileAtomic } from "./file.ts";
import { readFileBounded } from "./read-file.ts";

export interface Artefacts {
  /** Gives the digest, in lower-case hexadecimal. Putting the same bytes again writes nothing, unless the file is damaged. */
  put(bytes: Uint8Array): Promise<string>;
  /** Throws an {@link InputError} where it is missing (`artefact-missing`) or not what its name says (`artefact-damaged`). */
  get(digest: string): Promise<Uint8Array>;
  has(digest: string): boolean;
  /** Where the bytes stand, for programs that read files themselves; nothing is checked. */
  path(digest: string): string;
}

const LONGEST_ARTEFACT = 2 ** 31 - 1;

/** Makes the folder where it is missing. Its owner holds the lock of the state folder around it. */
export const openArtefacts = async (folder: string): Promise<Artefacts> => {
  await makeFolder(folder);
  onDisk("write", folder, () => sweepLeftovers(folder));
  const path = (digest: string) => join(folder, checkedName(digest));
  const has = (digest: string) => fs.existsSync(path(digest));
  const get = async (digest: string) => {
    if (!has(digest)) throw missing(path(digest));
    const bytes = await readFileBounded(path(digest), LONGEST_ARTEFACT);
    if (bytesToHex(sha256(bytes)) !== digest) throw damaged(path(digest));
    return bytes;
  };
  const put = async (bytes: Uint8Array) => {
    const digest = bytesToHex(sha256(bytes));
    if (!(await isWhole(digest, get))) await writeFileAtomic(path(digest), bytes);
    return digest;
  };
  return { put, get, has, path };
};

const isWhole = async (digest: string, get: Artefacts["get"]): Promise<boolean> => {
  try {
    await get(digest);
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
};

/** A name that is no digest would be a path of the caller's making. */
const checkedName = (digest: string): string => {
  invariant(/^[0-9a-f]{64}$/u.test(digest), "an artefact is named by a SHA-256 digest in hexadecimal");
  return digest;
};

const missing = (path: string): InputError =>
  new InputError({
    code: "artefact-missing",
    place: path,
    problem: "there is no such artefact",
    cure: "fetch it again, or restore the folder from a copy",
  });

const damaged = (path: string): InputError =>
  new InputError({
    code: "artefact-damaged",
    place: path,
    problem: "its content does not have the digest that names it",
    cure: "delete it and fetch it again; check the disk",
  });
