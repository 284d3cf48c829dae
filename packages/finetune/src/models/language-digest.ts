/** The digest that names a language model: of all files that its training depends on. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { hashFields, Sha256 } from "@bulkhead/compute";
import { CONFIG, TOKENIZER, WEIGHTS } from "../model-files.ts";
import type { ModelPlace } from "./language-files.ts";

const INDEX = `${WEIGHTS}.index.json`;
/** They say which tokens end a text and how a conversation is written; a model may do without. */
const OPTIONAL = ["chat_template.jinja", "tokenizer_config.json"];
const LONGEST_INDEX = 64 * 2 ** 20;

/**
 * Of a GGUF file SHA-256 over a label and its SHA-256; of a folder over the names and digests of its files in the order of
 * their names. A folder with nothing but the three files of a classifier's base has the digest that it has there.
 */
export const languageModelDigest = async (place: ModelPlace): Promise<Uint8Array> => {
  if ("file" in place) return hashFields("gguf", await digestOf(place.file));
  const fields: (string | Uint8Array)[] = [];
  for (const name of await filesOf(place.folder))
    fields.push(name, await digestOf(path.join(place.folder, name)));
  return hashFields(...fields);
};

const filesOf = async (folder: string): Promise<readonly string[]> => {
  const weights = (await isFile(path.join(folder, WEIGHTS)))
    ? [WEIGHTS]
    : [INDEX, ...(await shardsOf(path.join(folder, INDEX)))];
  const optional: string[] = [];
  for (const name of OPTIONAL) if (await isFile(path.join(folder, name))) optional.push(name);
  return [CONFIG, TOKENIZER, ...weights, ...optional].sort();
};

/** What the index names is checked when it is opened; here only that the names are names of files beside it. */
const shardsOf = async (index: string): Promise<readonly string[]> => {
  if (!(await isFile(index))) throw unusable(path.dirname(index), `there is no ${WEIGHTS} and no ${INDEX}`);
  if ((await stat(index)).size > LONGEST_INDEX) throw unusable(index, "it is too large for an index");
  let names: unknown[];
  try {
    const json: unknown = JSON.parse(await readFile(index, "utf8"));
    names = Object.values(Object(Reflect.get(Object(json), "weight_map")));
  } catch {
    throw unusable(index, "it is not JSON");
  }
  const distinct = new Set(names);
  const shards = [...distinct].filter(
    (name): name is string => typeof name === "string" && path.basename(name) === name,
  );
  if (shards.length === 0 || shards.length < distinct.size)
    throw unusable(index, "it does not name the files of the weights");
  return shards;
};

const isFile = async (place: string): Promise<boolean> => {
  try {
    return (await stat(place)).isFile();
  } catch {
    return false;
  }
};

const digestOf = async (place: string): Promise<Uint8Array> => {
  if (!(await isFile(place))) throw unusable(place, "there is no such file");
  const hash = new Sha256();
  try {
    const pieces: AsyncIterable<Uint8Array> = createReadStream(place, { highWaterMark: 2 ** 20 });
    for await (const piece of pieces) hash.update(piece);
  } catch {
    throw unusable(place, "it cannot be read");
  }
  return hash.digest();
};

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "model-files",
    place,
    problem,
    cure: `name a folder in Hugging Face layout (${CONFIG}, ${TOKENIZER}, and ${WEIGHTS} or its shards) or a GGUF file`,
  });
