/** A file of weights, open for positioned reads: what is read is what was asked for, or an error names file and byte. */
import { readSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { InputError } from "@bulkhead/base";

export interface ModelBytes {
  readonly place: string;
  readonly size: number;
  /** Fills `into` from there on. */
  readonly read: (at: number, into: Uint8Array) => Promise<void>;
  /** The same without giving the thread away, for headers that are read a few bytes at a time. */
  readonly readNow: (at: number, into: Uint8Array) => void;
  readonly close: () => Promise<void>;
}

/** A read of more than 2 GiB at once is refused by some systems. */
const MOST_AT_ONCE = 64 * 2 ** 20;

/** Throws an {@link InputError} where there is no regular file that can be read: a pipe could go on for ever. */
export const openModelBytes = async (place: string): Promise<ModelBytes> => {
  const handle = await readable(place, async () => {
    const state = await stat(place);
    if (!state.isFile()) throw unreadable(place, "it is not a file");
    return open(place, "r");
  });
  try {
    const { size } = await handle.stat();
    return { place, size, ...reads(place, handle), close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

const reads = (place: string, handle: FileHandle): Pick<ModelBytes, "read" | "readNow"> => ({
  read: async (at, into) => {
    for (let done = 0; done < into.length;) {
      const length = Math.min(MOST_AT_ONCE, into.length - done);
      const { bytesRead } = await readable(place, () => handle.read(into, done, length, at + done));
      if (bytesRead === 0) throw cutOff(place, at + done);
      done += bytesRead;
    }
  },
  readNow: (at, into) => {
    for (let done = 0; done < into.length;) {
      const bytesRead = readAtOnce(place, handle.fd, into.subarray(done), at + done);
      if (bytesRead === 0) throw cutOff(place, at + done);
      done += bytesRead;
    }
  },
});

const readAtOnce = (place: string, file: number, into: Uint8Array, at: number): number => {
  try {
    return readSync(file, into, 0, into.length, at);
  } catch (error) {
    throw refusalOf(place, error);
  }
};

const cutOff = (place: string, at: number): InputError =>
  unreadable(place, `it ends at byte ${at}, shorter than when it was opened`);

const readable = async <T>(place: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    throw refusalOf(place, error);
  }
};

const refusalOf = (place: string, error: unknown): InputError => {
  if (error instanceof InputError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return unreadable(place, code === "ENOENT" ? "it is not there" : `it cannot be read (${code})`);
};

export const unreadable = (place: string, problem: string): InputError =>
  new InputError({
    code: "model-files",
    place,
    problem,
    cure: "name a folder in Hugging Face layout, or a .safetensors or .gguf file",
  });
