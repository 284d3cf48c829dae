/** A language model's files: a folder in Hugging Face layout, or one GGUF file; shape, weights and tokenizer from the same place. */
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { CONFIG } from "../model-files.ts";
import { readConfigJson } from "../model-folder.ts";
import { type ChatTemplate, openChatTemplate } from "../tokenizer/chat-template.ts";
import { openTextTokenizer, type TextTokenizer } from "../tokenizer/text-tokenizer.ts";
import type { TensorSpec } from "../trainer.ts";
import { openWeights, type Weights } from "../weights/open-weights.ts";
import { undoRopePermutation } from "../weights/rope-permutation.ts";
import { type LoraPlan, adapterPlaces, adapterTensors } from "./adapter-plan.ts";
import type { ModelWeights } from "./load-model.ts";
import type { ModelShape } from "./model-shape.ts";
import { shapeOfConfig } from "./shape-of-config.ts";
import { shapeOfGguf } from "./shape-of-gguf.ts";
import { nameOfGguf, tensorNames } from "./tensor-names.ts";

/** Plain data. */
export type ModelPlace = { readonly folder: string } | { readonly file: string };

/** From a config in which either is named. */
export const modelPlace = ({
  folder,
  file,
}: {
  readonly folder?: string | undefined;
  readonly file?: string | undefined;
}): ModelPlace | undefined =>
  folder === undefined ? (file === undefined ? undefined : { file }) : { folder };

export interface LanguageFiles {
  readonly shape: ModelShape;
  readonly weights: ModelWeights;
  readonly close: () => Promise<void>;
}

/** Where it stands, for errors and lists of files. */
export const placeOf = (place: ModelPlace): string => ("folder" in place ? place.folder : place.file);

/** Reads the headers. Throws an {@link InputError}. */
export const openLanguageFiles = async (place: ModelPlace): Promise<LanguageFiles> => {
  const stored = await openWeights(placeOf(place));
  try {
    const shape = await shapeOf(place, stored);
    return { shape, weights: weightsOf(shape, stored), close: stored.close };
  } catch (error) {
    await stored.close();
    throw error;
  }
};

/** The shape of the model, and the tensors that a plan trains on it, without reading a weight. */
export const languageTensors = async (
  place: ModelPlace,
  plan: LoraPlan,
): Promise<{ readonly shape: ModelShape; readonly tensors: readonly TensorSpec[] }> => {
  const { shape, close } = await openLanguageFiles(place);
  await close();
  return { shape, tensors: adapterTensors(adapterPlaces(shape, "language-model", plan), plan) };
};

export interface LanguageTokenizer {
  readonly tokenizer: TextTokenizer;
  readonly chat?: ChatTemplate;
}

/** The tokenizer of the model, with its chat template where it has one. Throws an {@link InputError}. */
export const openLanguageTokenizer = async (place: ModelPlace): Promise<LanguageTokenizer> => {
  const tokenizer = await openTokenizerOf(place);
  const { chatTemplate } = tokenizer;
  if (chatTemplate === undefined) return { tokenizer };
  const named = {
    bos_token: tokenizer.bos,
    eos_token: tokenizer.eos,
    pad_token: tokenizer.pad,
    unk_token: tokenizer.unk,
  };
  const tokens = Object.entries(named).flatMap(([name, id]) =>
    id === undefined ? [] : [[name, tokenizer.decode([id])] as const],
  );
  const source = { place: tokenizer.place, template: chatTemplate, tokens: Object.fromEntries(tokens) };
  return { tokenizer, chat: openChatTemplate(source) };
};

const openTokenizerOf = async (place: ModelPlace): Promise<TextTokenizer> => {
  if ("folder" in place) return openTextTokenizer({ type: "folder", folder: place.folder });
  const { metadata, close } = await openWeights(place.file);
  await close();
  return openTextTokenizer({ type: "gguf", place: place.file, metadata });
};

const shapeOf = async (place: ModelPlace, stored: Weights): Promise<ModelShape> =>
  "folder" in place
    ? shapeOfConfig(await readConfigJson(place.folder), path.join(place.folder, CONFIG))
    : shapeOfGguf(stored);

const weightsOf = (shape: ModelShape, stored: Weights): ModelWeights => {
  const names = new Map(
    [...stored.tensors.keys()].map((name) => [
      stored.format === "gguf" ? nameOfGguf(shape, name) : name,
      name,
    ]),
  );
  const { prefix } = tensorNames(shape.family, "language-model");
  return async (name, sides) => {
    // A model that was saved without its head has no prefix.
    const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    const storedName = names.get(name) ?? names.get(bare) ?? name;
    const values = await stored.floats(storedName);
    const found = stored.tensors.get(storedName)!.shape;
    if (found.join() !== sides.join()) throw otherShape(stored.place, name, found, sides);
    return stored.format === "gguf" && shape.family === "llama" ? asHuggingFace(shape, name, values) : values;
  };
};

/** GGUF files of the family llama have the halves of each head interleaved. */
const asHuggingFace = (shape: ModelShape, name: string, values: Float32Array): Float32Array => {
  const heads = /\.(?<which>[qk])_proj\./u.exec(name)?.groups?.["which"];
  if (heads === undefined) return values;
  const count = heads === "q" ? shape.heads : shape.keyValueHeads;
  return undoRopePermutation(values, count, count * shape.headWidth);
};

const otherShape = (place: string, name: string, found: readonly number[], wanted: readonly number[]) =>
  new InputError({
    code: "model-tensor",
    place,
    problem: `${name} has the shape [${found.join()}], not [${wanted.join()}]`,
    cure: "use the weights that came with the model's configuration",
  });
