/** The files of a base model in Hugging Face layout, and the digest that names them together. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { hashFields, Sha256 } from "@bulkhead/compute";

export const CONFIG = "config.json";
export const WEIGHTS = "model.safetensors";
export const TOKENIZER = "tokenizer.json";

export type ModelFile = typeof CONFIG | typeof WEIGHTS | typeof TOKENIZER;

/** In the order of their names. */
const MODEL_FILES: readonly ModelFile[] = [CONFIG, WEIGHTS, TOKENIZER];

const MIB = 2 ** 20;
/** Weights are read into one buffer, and Node's end there. */
const MOST_BYTES = { [CONFIG]: MIB, [WEIGHTS]: 2048 * MIB - 1, [TOKENIZER]: 64 * MIB } as const;

/**
 * Names the base model: SHA-256 over the names and SHA-256 digests of the three files, in the order of their names.
 * Reads them piece by piece. Throws an {@link InputError} that names every file that is missing.
 */
export const baseDigest = async (folder: string): Promise<Uint8Array> => {
  const states = await Promise.all(MODEL_FILES.map((name) => statOf(folder, name)));
  const missing = MODEL_FILES.filter((_, i) => states[i] === "missing");
  if (missing.length > 0) throw unusable(folder, `there is no ${missing.join(", no ")}`);
  const fields: (string | Uint8Array)[] = [];
  for (const name of MODEL_FILES) fields.push(name, await digestOf(folder, name));
  return hashFields(...fields);
};

/** Throws an {@link InputError} where the file is missing, no file, not readable or larger than such a file may be. */
export const readModelFile = async (folder: string, name: ModelFile): Promise<Uint8Array> => {
  await checkFile(folder, name);
  return readable(folder, name, () => readFile(path.join(folder, name)));
};

const digestOf = async (folder: string, name: ModelFile): Promise<Uint8Array> => {
  await checkFile(folder, name);
  return readable(folder, name, async () => {
    const hash = new Sha256();
    const pieces: AsyncIterable<Uint8Array> = createReadStream(path.join(folder, name), {
      highWaterMark: MIB,
    });
    for await (const piece of pieces) hash.update(piece);
    return hash.digest();
  });
};

/** A pipe or a device could go on for ever. */
const checkFile = async (folder: string, name: ModelFile): Promise<void> => {
  const state = await statOf(folder, name);
  if (state === "missing") throw unusable(folder, `there is no ${name}`);
  const place = path.join(folder, name);
  if (!state.isFile()) throw unusable(place, "it is not a file");
  if (state.size > MOST_BYTES[name]) throw unusable(place, `it is larger than ${MOST_BYTES[name]} bytes`);
};

const statOf = (folder: string, name: ModelFile) =>
  readable(folder, name, async () => {
    try {
      return await stat(path.join(folder, name));
    } catch (error) {
      const code = codeOf(error);
      if (code === "ENOENT" || code === "ENOTDIR") return "missing";
      throw error;
    }
  });

const readable = async <T>(folder: string, name: ModelFile, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    throw unusable(path.join(folder, name), `it cannot be read (${codeOf(error)})`);
  }
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : String(error);

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "model-files",
    place,
    problem,
    cure: `name a folder in Hugging Face layout, with ${MODEL_FILES.join(", ")}`,
  });
