/** Whole files: replaced at once or not at all. */
import fs from "node:fs";
import { dirname, basename, join } from "node:path";
import { bytesToHex } from "@bulkhead/base";
import { randomBytes } from "@bulkhead/crypto";
import { onDisk } from "./disk-error.ts";
import { persist } from "./persist.ts";

/** Readable and writable by its owner alone. */
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/**
 * After it resolves the file holds exactly `bytes`, also after a power failure; a crash or an error before that
 * leaves the old content whole. Readable by the owner alone unless `mode` says otherwise. Throws an
 * {@link InputError} (`disk-full`, `not-writable`, `path-folder-missing`) that names the path.
 */
export const writeFileAtomic = async (
  path: string,
  bytes: Uint8Array,
  { mode = PRIVATE_FILE }: { readonly mode?: number } = {},
): Promise<void> => onDisk("write", path, () => replaceFile(path, bytes, mode));

/** Makes the folder and those above it that are missing, for the owner alone. */
export const makeFolder = async (path: string): Promise<void> => {
  onDisk("write", path, () => fs.mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER }));
};

/** Removes what writers that were killed have left in the folder; only its one owner may call it. */
export const sweepLeftovers = (folder: string): void => {
  for (const name of fs.readdirSync(folder))
    if (LEFTOVER.test(name)) fs.rmSync(join(folder, name), { force: true });
};

/** Writes all of `bytes` at `position`: one call of the system may write fewer. */
export const writeAll = (descriptor: number, bytes: Uint8Array, position: number): void => {
  for (let written = 0; written < bytes.length;)
    written += fs.writeSync(descriptor, bytes, written, bytes.length - written, position + written);
};

const LEFTOVER = /^\..+\.[0-9a-f]{16}\.tmp$/u;
// Leaves room for the rest of the temporary name within the 255 bytes that file systems allow.
const LONGEST_STEM = 50;

const replaceFile = (path: string, bytes: Uint8Array, mode: number): void => {
  const folder = dirname(path);
  const stem = basename(path).slice(0, LONGEST_STEM);
  const temporary = join(folder, `.${stem}.${bytesToHex(randomBytes(8))}.tmp`);
  try {
    const file = fs.openSync(temporary, "wx", mode);
    try {
      persist("file", path, file, () => writeAll(file, bytes, 0));
    } finally {
      fs.closeSync(file);
    }
    renameLasting(temporary, path, folder);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
};

const renameLasting = (from: string, to: string, folder: string): void => {
  persistName(to, folder, () => fs.renameSync(from, to));
};

/** Runs `change`, after which the folder has the file's name, and makes that last. */
export const persistName = (path: string, folder: string, change: () => void): void => {
  // Windows has no way to sync a folder; there the change alone must do.
  if (process.platform === "win32") {
    change();
    return;
  }
  const descriptor = fs.openSync(folder, "r");
  try {
    persist("name", path, descriptor, change);
  } finally {
    fs.closeSync(descriptor);
  }
};
