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
): Promise<void> => replaceFiles([{ path, bytes }], mode);

export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** As {@link writeFileAtomic} for each: one wait for the disk for each file, and one for each folder. */
export const writeFilesAtomic = async (files: readonly NewFile[]): Promise<void> =>
  replaceFiles(files, PRIVATE_FILE);

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

interface Staged {
  readonly path: string;
  readonly temporary: string;
}

const replaceFiles = (files: readonly NewFile[], mode: number): void => {
  const staged: Staged[] = [];
  try {
    for (const { path, bytes } of files)
      onDisk("write", path, () => {
        const temporary = temporaryFor(path);
        staged.push({ path, temporary });
        writeLasting(temporary, { path, bytes, mode });
      });
    renameLasting(staged);
  } catch (error) {
    for (const { path, temporary } of staged)
      onDisk("write", path, () => fs.rmSync(temporary, { force: true }));
    throw error;
  }
};

const temporaryFor = (path: string): string => {
  const stem = basename(path).slice(0, LONGEST_STEM);
  return join(dirname(path), `.${stem}.${bytesToHex(randomBytes(8))}.tmp`);
};

const writeLasting = (
  temporary: string,
  { path, bytes, mode }: NewFile & { readonly mode: number },
): void => {
  const file = fs.openSync(temporary, "wx", mode);
  try {
    persist("file", path, file, () => writeAll(file, bytes, 0));
  } finally {
    fs.closeSync(file);
  }
};

/** All at once, and then folder by folder: the system mostly makes all names last with the first. */
const renameLasting = (staged: readonly Staged[]): void => {
  let isDone = false;
  for (const [folder, path] of new Map(staged.map((file) => [dirname(file.path), file.path])))
    onDisk("write", path, () =>
      persistName(path, folder, () => {
        if (!isDone) for (const file of staged) fs.renameSync(file.temporary, file.path);
        isDone = true;
      }),
    );
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
