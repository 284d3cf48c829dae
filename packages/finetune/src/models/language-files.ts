/** A language model's files: a folder in Hugging Face layout, or one GGUF file; shape, weights and tokenizer from the same place. */
import type { ChatTemplate } from "../tokenizer/chat-template.ts";
import { openTextTokenizer, type TextTokenizer } from "../tokenizer/text-tokenizer.ts";
import type { TensorSpec } from "../trainer.ts";
import { openWeights } from "../weights/open-weights.ts";
import { type LoraPlan, adapterPlaces, adapterTensors } from "./adapter-plan.ts";
import type { ModelWeights } from "./load-model.ts";
import type { ModelShape } from "./model-shape.ts";
import { openBaseModel, openModelChat, tokenizerSource } from "./open-base-model.ts";

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
  const { shape, tensor, close } = await openBaseModel(placeOf(place));
  return { shape, weights: tensor, close };
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
  const chat = openModelChat(tokenizer);
  return { tokenizer, ...(chat === undefined ? {} : { chat }) };
};

const openTokenizerOf = async (place: ModelPlace): Promise<TextTokenizer> => {
  const weights = await openWeights(placeOf(place));
  await weights.close();
  return openTextTokenizer(tokenizerSource(weights));
};
