/** The bytes of a text file in pieces, without the byte order mark; other encodings are told by theirs. */
import { InputError } from "@bulkhead/base";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const UTF16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];
const PIECE = 64 * 1024;
/** To open a pipe would otherwise wait for somebody who writes to it. */
const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Regular files alone: a pipe or a device may have no end, and gives its rows only once. Throws an {@link InputError}
 * (`data-missing`, `data-not-readable`, `data-encoding`, `data-changed` where the file changes until its end is read).
 */
export async function* fileBytes(file: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  try {
    const handle = await open(file, READ_WITHOUT_WAITING);
    try {
      yield* bytesOf(file, handle, signal);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw readError(file, error);
  }
}

async function* bytesOf(file: string, handle: FileHandle, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const atStart = await handle.stat();
  if (!atStart.isFile()) throw notReadable(file, atStart.isDirectory() ? "EISDIR" : "not-regular");
  let taken = 0;
  for (;;) {
    const piece = new Uint8Array(PIECE);
    const { bytesRead } = await handle.read(piece);
    signal?.throwIfAborted();
    if (bytesRead === 0) break;
    const bytes = piece.subarray(0, bytesRead);
    yield taken === 0 ? withoutMark(file, bytes) : bytes;
    taken += bytesRead;
    // Whoever writes faster than we read would never let it end.
    if (taken > atStart.size) break;
  }
  if (taken !== atStart.size || hasChanged(atStart, await handle.stat())) throw changedFile(file);
}

const hasChanged = (before: Stats, after: Stats): boolean =>
  before.size !== after.size || before.mtimeMs !== after.mtimeMs;

const startsWith = (bytes: Uint8Array, mark: readonly number[]): boolean =>
  mark.every((byte, i) => bytes[i] === byte);

const withoutMark = (file: string, piece: Uint8Array): Uint8Array => {
  if (UTF16_MARKS.some((mark) => startsWith(piece, mark)))
    throw new InputError({
      code: "data-encoding",
      place: file,
      problem: "it is written in UTF-16",
      cure: "save the file as UTF-8",
    });
  return startsWith(piece, UTF8_MARK) ? piece.subarray(UTF8_MARK.length) : piece;
};

/** Gives the error itself where it is none of the system's. */
export const readError = (file: string, error: unknown): unknown => {
  if (error instanceof InputError || !(error instanceof Error) || !("code" in error)) return error;
  if (typeof error.code !== "string" || !/^E[A-Z0-9]+$/u.test(error.code)) return error;
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return missingFile(file);
  return notReadable(file, error.code);
};

export const missingFile = (file: string): InputError =>
  new InputError({
    code: "data-missing",
    place: file,
    problem: "there is no such file",
    cure: "check the path in the config",
  });

const notReadable = (file: string, why: string): InputError => {
  const [problem, cure] = REASONS[why] ?? [
    `the system refuses to read it (${why})`,
    "check the disk it is on",
  ];
  return new InputError({ code: "data-not-readable", place: file, problem, cure });
};

const DENIED = ["this user may not read it", "give this user the right to read it"] as const;

const REASONS: Readonly<Record<string, readonly [problem: string, cure: string]>> = {
  EACCES: DENIED,
  EPERM: DENIED,
  EISDIR: ["it is a folder", "name the files in it, with * if you like"],
  ELOOP: ["its symbolic links lead in a circle", "name the file itself"],
  "not-regular": ["it is no regular file", "write its rows into a file and name that"],
};

const changedFile = (file: string): InputError =>
  new InputError({
    code: "data-changed",
    place: file,
    problem: "it changed while it was read",
    cure: "name a file that nobody writes to meanwhile",
  });
