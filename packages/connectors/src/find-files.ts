/** From the paths of a config to the files they mean. */
import { InputError } from "@bulkhead/base";
import { type Dirent, readdir } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { missingFile, readError } from "./file-bytes.ts";

/**
 * Absolute paths, each file once also where several names lead to it, in the order of their characters, so that the
 * same files always give the same rows. A path that exists is that file, also with `*` or `[` in its name; another
 * one is a glob (`*`, `**`, `?`, `{a,b}`), which must match. Files whose names begin with a dot are matched only where
 * the dot is written; a link that leads nowhere is not matched. Throws an {@link InputError} (`data-missing`,
 * `data-not-readable`, also for a folder that a glob leads into).
 */
export const findFiles = async (paths: readonly string[], folder: string): Promise<readonly string[]> => {
  const found = await Promise.all(paths.map((path) => matching(path, folder)));
  const nameByRealPath = new Map<string, string>();
  for (const file of found.flat().toSorted()) {
    const real = await realPath(file);
    if (!nameByRealPath.has(real)) nameByRealPath.set(real, file);
  }
  return [...nameByRealPath.values()];
};

const matching = async (path: string, folder: string): Promise<readonly string[]> => {
  const file = resolve(folder, path);
  if (await exists(file)) return [file];
  if (!isDynamicPattern(path)) throw missingFile(file);
  const files = await matchingFiles(path, folder);
  if (files.length > 0) return files;
  throw new InputError({
    code: "data-missing",
    place: file,
    problem: "no file matches",
    cure: "check the path in the config",
  });
};

const exists = async (file: string): Promise<boolean> => {
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) throw Object.assign(new Error("a folder"), { code: "EISDIR" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw readError(file, error);
  }
};

/** A folder that cannot be listed is an error: the walk itself passes it over, and nobody would miss its rows. */
const matchingFiles = async (pattern: string, folder: string): Promise<readonly string[]> => {
  const refused: unknown[] = [];
  const files = await glob(pattern, {
    cwd: folder,
    absolute: true,
    expandDirectories: false,
    fs: { readdir: listing((path, error) => refused.push(readError(resolve(path), error))) },
  });
  if (refused.length > 0) throw refused[0];
  return files.map((name) => resolve(name));
};

type Listed = (error: NodeJS.ErrnoException | null, entries: Dirent[]) => void;

const listing = (onRefused: (path: string, error: NodeJS.ErrnoException) => void): typeof readdir => {
  const list = (path: string, options: { readonly withFileTypes: true }, listed: Listed) =>
    readdir(path, options, (error, entries) => {
      // A folder may go while it is walked; the walk's own root need not be there.
      if (error !== null && error.code !== "ENOENT") onRefused(path, error);
      listed(error, entries);
    });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of its many forms the walk calls this one
  return list as unknown as typeof readdir;
};

const realPath = async (file: string): Promise<string> => {
  try {
    return await realpath(file);
  } catch (error) {
    throw readError(file, error);
  }
};
