/** Whole files read up to a bound, without waiting for ever on what is none. */
import fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { InputError } from "@bulkhead/base";
import { diskError, systemCode } from "./disk-error.ts";

/**
 * The bytes of a file, or of a pipe up to its end. Throws an {@link InputError} where it is missing, not readable or
 * longer than `longest` bytes, and where a pipe has nobody who writes to it; memory stays below the bound whatever the
 * file's size.
 */
export const readFileBounded = async (path: string, longest: number): Promise<Uint8Array> => {
  try {
    const descriptor = fs.openSync(path, READ_WITHOUT_WAITING);
    try {
      return await readAll(descriptor, path, longest);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch (error) {
    throw diskError("read", path, error);
  }
};

/** To open a pipe would otherwise hold the whole process until somebody opens it to write. */
const READ_WITHOUT_WAITING = fs.constants.O_RDONLY | (fs.constants.O_NONBLOCK ?? 0);
const PIECE = 64 * 1024;
/** For somebody to open a pipe at its other end. */
const SILENCE_MS = 1000;
const LOOK_AGAIN_MS = 10;

const readAll = async (descriptor: number, path: string, longest: number): Promise<Uint8Array> => {
  const stat = fs.fstatSync(descriptor);
  const stated = stat.isFile() ? stat.size : 0;
  if (stated > longest) throw tooLarge(path, longest);
  const silentUntil = stat.isFIFO() ? performance.now() + SILENCE_MS : undefined;
  // One byte more than stated, so that the end shows without growing; a pipe states nothing and grows.
  let bytes: Uint8Array = new Uint8Array(Math.min(stated > 0 ? stated + 1 : PIECE, longest + 1));
  let length = 0;
  for (;;) {
    const read = readSome(descriptor, bytes, length);
    const isSilent = silentUntil !== undefined && read === 0 && length === 0;
    if (isSilent && performance.now() > silentUntil) throw silent(path);
    if (isSilent || read === undefined) {
      await sleep(LOOK_AGAIN_MS);
      continue;
    }
    length += read;
    if (length > longest) throw tooLarge(path, longest);
    if (read === 0) return bytes.slice(0, length);
    if (length === bytes.length) bytes = grown(bytes, longest + 1);
  }
};

/** `undefined` where a pipe has a writer that has nothing to say just now. */
const readSome = (descriptor: number, bytes: Uint8Array, at: number): number | undefined => {
  try {
    return fs.readSync(descriptor, bytes, at, bytes.length - at, null);
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return undefined;
    throw error;
  }
};

const grown = (bytes: Uint8Array, longest: number): Uint8Array => {
  const larger = new Uint8Array(Math.min(longest, 2 * bytes.length));
  larger.set(bytes);
  return larger;
};

const tooLarge = (path: string, longest: number): InputError =>
  new InputError({
    code: "file-too-large",
    place: path,
    problem: `it is longer than the ${longest} bytes allowed`,
    cure: "check that it is the right file",
  });

const silent = (path: string): InputError =>
  new InputError({
    code: "path-wrong",
    place: path,
    problem: "it is a pipe, and nothing comes out of it",
    cure: "name a file",
  });
