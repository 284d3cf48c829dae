/** Where a passphrase comes from: a terminal without echo, a file of its owner's, or a file descriptor. */
import { assertNever, InputError, Secret } from "@bulkhead/base";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { isatty } from "node:tty";
import { HiddenInput } from "./hidden-input.ts";
import { isNamedPipe } from "./named-pipe.ts";

export type PassphraseSource =
  | { readonly type: "terminal" }
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "fd"; readonly fd: number };

export interface PassphraseOptions {
  /** A new passphrase is asked for twice on a terminal. */
  readonly isNew?: boolean;
  /** What the passphrase opens, for the prompt. */
  readonly purpose?: string;
}

/** In bytes. */
const LONGEST_PASSPHRASE = 1024;
const ATTEMPTS = 3;

/**
 * The bytes up to the line's end, which is removed. Throws an {@link InputError} where it is empty, of several lines
 * or too long, where there is no terminal to ask, or where others may read the file.
 */
export const readPassphrase = async (
  source: PassphraseSource,
  { isNew = false, purpose = "identity" }: PassphraseOptions = {},
): Promise<Secret> => {
  switch (source.type) {
    case "terminal":
      return fromTerminal(isNew, purpose);
    case "file":
      return fromFile(source.path);
    case "fd":
      return fromDescriptor(source.fd);
    default:
      return assertNever(source);
  }
};

const fromTerminal = async (isNew: boolean, purpose: string): Promise<Secret> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw refused("passphrase-no-terminal", "terminal", {
      problem: "there is no terminal to ask for the passphrase",
      cure: "give it by --passphrase-file or --passphrase-fd",
    });
  const input = new HiddenInput(process.stdin, process.stderr, LONGEST_PASSPHRASE);
  try {
    return isNew ? await askTwice(input, purpose) : await askOnce(input, `Passphrase of the ${purpose}: `);
  } finally {
    input.close();
  }
};

const askOnce = async (input: HiddenInput, prompt: string): Promise<Secret> => {
  const line = await input.readLine(prompt);
  if (line.length > 0) return line;
  throw emptyPassphrase("terminal");
};

const askTwice = async (input: HiddenInput, purpose: string): Promise<Secret> => {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const first = await askOnce(input, `New passphrase for the ${purpose}: `);
    const second = await input.readLine("The same once more: ");
    const isSame = isEqual(first.reveal(), second.reveal());
    second.wipe();
    if (isSame) return first;
    first.wipe();
    input.say("They differ; please try again.");
  }
  throw refused("passphrase-differs", "terminal", {
    problem: "the two passphrases were different each time",
    cure: "start again and type the same one twice",
  });
};

const isEqual = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

const fromFile = async (path: string): Promise<Secret> => {
  if (await isNamedPipe(path))
    throw refused("passphrase-not-readable", path, {
      problem: "it is a named pipe",
      cure: "name a file, or give the passphrase by --passphrase-fd",
    });
  const file = await open(path, "r").catch((error: unknown) => {
    throw unreadable(path, error);
  });
  try {
    await expectPrivate(file, path);
    return await readLine(file.createReadStream({ autoClose: false }), path);
  } finally {
    await file.close();
  }
};

const OTHERS = 0o077;

const expectPrivate = async (file: FileHandle, path: string): Promise<void> => {
  const { mode } = await file.stat();
  if (process.platform !== "win32" && (mode & OTHERS) !== 0)
    throw refused("passphrase-file-open", path, {
      problem: `other users may use this file (mode ${(mode & 0o777).toString(8)})`,
      cure: `run: chmod 600 ${path}`,
    });
};

const fromDescriptor = async (fd: number): Promise<Secret> => {
  const place = `file descriptor ${fd}`;
  if (isatty(fd))
    throw refused("passphrase-fd-terminal", place, {
      problem: "it is a terminal, which would show what is typed",
      cure: "leave out --passphrase-fd to be asked without echo",
    });
  return readLine(createReadStream("", { fd, autoClose: false }), place);
};

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const readLine = async (stream: AsyncIterable<Uint8Array>, place: string): Promise<Secret> => {
  const buffer = new Uint8Array(LONGEST_PASSPHRASE + 2);
  let length = 0;
  try {
    for await (const chunk of stream) {
      if (length + chunk.length > buffer.length)
        throw badForm(place, `it is longer than ${LONGEST_PASSPHRASE} bytes`);
      buffer.set(chunk, length);
      length += chunk.length;
      chunk.fill(0);
    }
    return lineOf(buffer.subarray(0, length), place);
  } catch (error) {
    throw error instanceof InputError ? error : unreadable(place, error);
  } finally {
    buffer.fill(0);
  }
};

const lineOf = (bytes: Uint8Array, place: string): Secret => {
  let end = bytes.length;
  if (bytes[end - 1] === LINE_FEED) end--;
  if (bytes[end - 1] === CARRIAGE_RETURN) end--;
  if (end === 0) throw emptyPassphrase(place);
  const line = bytes.subarray(0, end);
  if (line.some((byte) => byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === 0))
    throw badForm(place, "it has more than one line, or a NUL byte");
  return new Secret(line.slice());
};

const unreadable = (place: string, error: unknown): unknown => {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string") return error;
  return refused("passphrase-not-readable", place, {
    problem: `the passphrase cannot be read from it (${code})`,
    cure: "check that it is there and open to this user",
  });
};

const emptyPassphrase = (place: string): InputError =>
  refused("passphrase-empty", place, { problem: "the passphrase is empty", cure: "give one" });

const badForm = (place: string, problem: string): InputError =>
  refused("passphrase-form", place, { problem, cure: "put the passphrase on one line, and nothing else" });

const refused = (
  code: string,
  place: string,
  said: { readonly problem: string; readonly cure: string },
): InputError => new InputError({ code, place, ...said });
