/** A config file as text: bounded, UTF-8, with the place of the first byte that is not. */
import { InputError, utf8, utf8ToText } from "@bulkhead/base";
import { open } from "node:fs/promises";
import { isNamedPipe } from "./named-pipe.ts";

const LONGEST_CONFIG = 1024 * 1024;

/** Throws an {@link InputError} where the file is missing, not readable, too long or not UTF-8. */
export const readConfigText = async (
  file: string,
): Promise<{ readonly bytes: Uint8Array; readonly text: string }> => {
  const bytes = await readConfigFile(file);
  return { bytes, text: decodeText(file, bytes) };
};

const readConfigFile = async (file: string): Promise<Uint8Array> => {
  if (await isNamedPipe(file)) throw notReadable(file, "it is a named pipe");
  const handle = await open(file, "r").catch((error: unknown) => {
    throw unreadable(file, error);
  });
  try {
    // One byte over the bound tells a file that is too long, whatever it says about its length.
    const buffer = new Uint8Array(LONGEST_CONFIG + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      if (bytesRead === 0) return buffer.slice(0, length);
      length += bytesRead;
      if (length > LONGEST_CONFIG) throw tooLong(file);
    }
  } catch (error) {
    throw error instanceof InputError ? error : unreadable(file, error);
  } finally {
    await handle.close();
  }
};

const unreadable = (file: string, error: unknown): unknown => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return error;
  if (code === "ENOENT")
    return new InputError({
      code: "config-missing",
      place: file,
      problem: "there is no such file",
      cure: "name the config file with --config, or make one with init",
    });
  return notReadable(file, code === "EISDIR" ? "it is a folder" : `it cannot be read (${code})`);
};

const notReadable = (file: string, problem: string): InputError =>
  new InputError({
    code: "config-not-readable",
    place: file,
    problem,
    cure: "name a file that this user may read",
  });

const tooLong = (file: string): InputError =>
  new InputError({
    code: "config-too-long",
    place: file,
    problem: `it is longer than ${LONGEST_CONFIG} bytes`,
    cure: "check that it is the config file",
  });

const UTF8_MARK = [0xef, 0xbb, 0xbf];

const decodeText = (file: string, bytes: Uint8Array): string => {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    throw encodingError(file, "it is written in UTF-16");
  const text = UTF8_MARK.every((byte, i) => bytes[i] === byte) ? bytes.subarray(3) : bytes;
  try {
    const decoded = utf8ToText(text);
    if (decoded.includes("\0"))
      throw encodingError(placeOfByte(file, text, text.indexOf(0)), "it has a NUL byte");
    return decoded;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw encodingError(placeOfByte(file, text, firstMalformed(text)), "a byte here is not UTF-8");
  }
};

/** Where a lenient decoder puts its first replacement character that was not in the file itself. */
const firstMalformed = (bytes: Uint8Array): number => {
  const lenient = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  let at = 0;
  for (const character of lenient) {
    const isReplaced = character === "\uFFFD" && REPLACEMENT.some((byte, i) => bytes[at + i] !== byte);
    if (isReplaced) return at;
    at += utf8(character).length;
  }
  return at;
};

const REPLACEMENT = utf8("\uFFFD");

const placeOfByte = (file: string, bytes: Uint8Array, at: number): string => {
  const before = bytes.subarray(0, at);
  const line = before.filter((byte) => byte === 0x0a).length + 1;
  return `${file}:${line}:${at - before.lastIndexOf(0x0a)}`;
};

const encodingError = (place: string, problem: string): InputError =>
  new InputError({ code: "config-encoding", place, problem, cure: "save the file as UTF-8" });
