/** What the system says about a file, in words of a place and a cure. */
import { InputError, type InputProblem } from "@bulkhead/base";

type Doing = "read" | "write";

/** Runs `action`; what the system refuses becomes an {@link InputError} about `path`, all else passes through. */
export const onDisk = <T>(doing: Doing, path: string, action: () => T): T => {
  try {
    return action();
  } catch (error) {
    throw diskError(doing, path, error);
  }
};

/** Gives the error itself where it is none of the system's. */
export const diskError = (doing: Doing, path: string, error: unknown): unknown => {
  const code = systemCode(error);
  const known = code === undefined ? undefined : problemOf(doing, code);
  return known === undefined ? error : new InputError({ place: path, ...known });
};

/** `ENOENT` and its like; `undefined` for errors that are none of the system's. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

export const isDiskFull = (error: unknown): boolean =>
  ["ENOSPC", "EDQUOT", "EFBIG"].includes(systemCode(error) ?? "");

const problemOf = (doing: Doing, code: string): Omit<InputProblem, "place"> | undefined => {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return {
        code: "disk-full",
        problem: `no space is left (${code})`,
        cure: "free some space or raise the quota, then start again; what was saved before is intact",
      };
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return doing === "read"
        ? {
            code: "not-readable",
            problem: `this user may not read it (${code})`,
            cure: "give this user the right to read it",
          }
        : {
            code: "not-writable",
            problem: `this user may not write it (${code})`,
            cure: "give this user the right to write there, or name another folder",
          };
    case "ENOENT":
      return doing === "read"
        ? { code: "file-missing", problem: "there is no such file", cure: "check the path" }
        : {
            code: "path-folder-missing",
            problem: "its folder does not exist",
            cure: "make the folder first",
          };
    case "ENOTDIR":
      return { code: "path-wrong", problem: "a part of the path is no folder", cure: "check the path" };
    case "EISDIR":
      return { code: "path-wrong", problem: "it is a folder", cure: "name a file" };
    case "ENXIO":
      return NOT_A_FILE;
    case "ENAMETOOLONG":
      return { code: "path-wrong", problem: "the path is too long", cure: "use a shorter path" };
    case "EIO":
      return {
        code: "disk-failing",
        problem: "the disk reports an error (EIO)",
        cure: "check the disk before starting again",
      };
    default:
      return undefined;
  }
};

const NOT_A_FILE = { code: "path-wrong", problem: "it is no ordinary file", cure: "name a file" };

/** A pipe, a socket or a device, where only a file will do. */
export const notAFile = (path: string): InputError => new InputError({ place: path, ...NOT_A_FILE });
