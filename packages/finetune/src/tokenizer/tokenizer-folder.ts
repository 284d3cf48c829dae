/** The tokenizer of a folder in Hugging Face layout, with what `tokenizer_config.json` says of it. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { TOKENIZER } from "../model-files.ts";
import { readTokenizerJson } from "../model-folder.ts";
import {
  checkedDefinition,
  type DescribedTokenizer,
  type TokenizerDefinition,
} from "./tokenizer-definition.ts";

const CONFIG = "tokenizer_config.json";
const TEMPLATE = "chat_template.jinja";
const MOST_BYTES = 4 * 2 ** 20;

export const folderTokenizer = async (folder: string): Promise<DescribedTokenizer> => {
  const place = path.join(folder, TOKENIZER);
  const definition = checkedDefinition(place, await readTokenizerJson(folder));
  const config = await readConfig(folder);
  const idOf = (name: string) => idOfToken(definition, spelling(config[name]));
  return {
    place,
    definition,
    bos: idOf("bos_token"),
    eos: idOf("eos_token"),
    pad: idOf("pad_token"),
    unk: idOf("unk_token") ?? idOfToken(definition, definition.model.unk_token),
    chatTemplate: (await readOptional(folder, TEMPLATE)) ?? templateOf(config["chat_template"]),
  };
};

const idOfToken = ({ addedTokens, model }: TokenizerDefinition, token: string | undefined) =>
  token === undefined
    ? undefined
    : (addedTokens.find(({ content }) => content === token)?.id ?? model.vocab[token]);

/** A token is named by its text, or by an object that carries it. */
const spelling = (token: unknown): string | undefined => {
  if (typeof token === "string") return token;
  const content: unknown =
    token === null || token === undefined ? undefined : Reflect.get(Object(token), "content");
  return typeof content === "string" ? content : undefined;
};

/** One template, or several by name, of which one is the default. */
const templateOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return undefined;
  const named: unknown = value.find((entry: unknown) => Reflect.get(Object(entry), "name") === "default");
  const template: unknown = named === undefined ? undefined : Reflect.get(Object(named), "template");
  return typeof template === "string" ? template : undefined;
};

const readConfig = async (folder: string): Promise<Readonly<Record<string, unknown>>> => {
  const text = await readOptional(folder, CONFIG);
  if (text === undefined) return {};
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
  } catch {
    // Said below.
  }
  throw unusable(folder, CONFIG, "it is not a JSON object");
};

const readOptional = async (folder: string, name: string): Promise<string | undefined> => {
  const file = path.join(folder, name);
  try {
    const state = await stat(file);
    if (state.isFile() && state.size <= MOST_BYTES) return await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw unusable(folder, name, "it cannot be read");
  }
  throw unusable(folder, name, `it is not a file of at most ${MOST_BYTES} bytes`);
};

const unusable = (folder: string, name: string, problem: string): InputError =>
  new InputError({
    code: "model-unusable",
    place: path.join(folder, name),
    problem,
    cure: `use the ${name} that came with the model, or none`,
  });
