/** From the paths of a config to the files they mean. */
import { InputError } from "@bulkhead/base";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { missingFile, readError } from "./file-bytes.ts";

/**
 * Absolute paths, each once, in the order of their characters, so that the same files always give the same rows.
 * A path that exists is that file, also with `*` or `[` in its name; another one is a glob (`*`, `**`, `?`, `{a,b}`),
 * which must match. Files whose names begin with a dot are matched only where the dot is written.
 */
export const findFiles = async (paths: readonly string[], folder: string): Promise<readonly string[]> => {
  const found = await Promise.all(paths.map((path) => matching(path, folder)));
  return [...new Set(found.flat())].toSorted();
};

const matching = async (path: string, folder: string): Promise<readonly string[]> => {
  const file = resolve(folder, path);
  if (await exists(file)) return [file];
  if (!isDynamicPattern(path)) throw missingFile(file);
  const files = await glob(path, { cwd: folder, absolute: true, expandDirectories: false });
  if (files.length > 0) return files.map((name) => resolve(name));
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
