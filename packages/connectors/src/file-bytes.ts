/** The bytes of a text file in pieces, without the byte order mark; other encodings are told by theirs. */
import { InputError } from "@bulkhead/base";
import { createReadStream } from "node:fs";

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const UTF16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
];
const PIECE = 64 * 1024;

/** Throws an {@link InputError} (`data-missing`, `data-not-readable`, `data-encoding`). */
export async function* fileBytes(file: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  const stream = createReadStream(file, {
    highWaterMark: PIECE,
    ...(signal === undefined ? {} : { signal }),
  });
  let isStart = true;
  try {
    for await (const piece of stream as AsyncIterable<Uint8Array>) {
      // A file gives full pieces, so a mark is never cut in two; where a pipe does, its rest is a malformed line.
      yield isStart ? withoutMark(file, piece) : piece;
      isStart = false;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw readError(file, error);
  }
}

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
  if (typeof error.code !== "string" || !/^E[A-Z]+$/u.test(error.code)) return error;
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return missingFile(file);
  return new InputError({
    code: "data-not-readable",
    place: file,
    problem: error.code === "EISDIR" ? "it is a folder" : `it cannot be read (${error.code})`,
    cure:
      error.code === "EISDIR"
        ? "name the files in it, with * if you like"
        : "give this user the right to read it",
  });
};

export const missingFile = (file: string): InputError =>
  new InputError({
    code: "data-missing",
    place: file,
    problem: "there is no such file",
    cure: "check the path in the config",
  });
