/** A base model from whatever holds it: a folder in Hugging Face layout, one of its files of weights, or one GGUF file. */
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { CONFIG } from "../model-files.ts";
import { readConfigJson } from "../model-folder.ts";
import { type ChatTemplate, openChatTemplate } from "../tokenizer/chat-template.ts";
import { openTextTokenizer, type TextTokenizer, type TokenizerSource } from "../tokenizer/text-tokenizer.ts";
import { openWeights, type Weights } from "../weights/open-weights.ts";
import { configOfGguf } from "./config-of-gguf.ts";
import type { ModelWeights } from "./load-model.ts";
import type { ModelShape, ModelUse } from "./model-shape.ts";
import { modelTensors } from "./model-tensors.ts";
import { type NamedWeights, namedWeights } from "./model-weights.ts";
import { shapeOfConfig } from "./shape-of-config.ts";

export interface BaseModel {
  readonly place: string;
  /** As its `config.json` has it, or as a GGUF file's pairs amount to it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly shape: ModelShape;
  readonly weights: Weights;
  readonly named: NamedWeights;
  /** For `loadModel`. */
  readonly tensor: ModelWeights;
  /** Read when it is asked for. Rejects with an {@link InputError}. */
  readonly openTokenizer: () => Promise<TextTokenizer>;
  readonly close: () => Promise<void>;
}

/** Reads headers and configuration alone. Throws an {@link InputError} about a model that this code cannot run. */
export const openBaseModel = async (place: string): Promise<BaseModel> => {
  const weights = await openWeights(place);
  try {
    const config = await configOf(weights);
    const shape = shapeOfConfig(
      config,
      weights.format === "gguf" ? place : path.join(folderOf(weights), CONFIG),
    );
    const named = namedWeights(weights, shape);
    checkWhole(weights, shape, named);
    return {
      place,
      config,
      shape,
      weights,
      named,
      tensor: named.tensor,
      openTokenizer: () => openTextTokenizer(tokenizerSource(weights)),
      close: weights.close,
    };
  } catch (error) {
    await weights.close();
    throw error;
  }
};

/** Decoders foretell tokens; all others give vectors. */
export const useOfShape = ({ causal }: ModelShape): ModelUse => (causal ? "language-model" : "embedding");

export const tokenizerSource = (weights: Weights): TokenizerSource =>
  weights.format === "gguf"
    ? { type: "gguf", place: weights.place, metadata: weights.metadata }
    : { type: "folder", folder: folderOf(weights) };

/** Of safetensors: what stands beside the weights belongs to them. */
export const folderOf = ({ place, isFolder }: Weights): string => (isFolder ? place : path.dirname(place));

/** The model's own chat template; `undefined` where it has none. Throws an {@link InputError} about one that is no template. */
export const openModelChat = (tokenizer: TextTokenizer): ChatTemplate | undefined => {
  const { chatTemplate, place, bos, eos, pad, unk, decode } = tokenizer;
  if (chatTemplate === undefined) return undefined;
  const named = { bos_token: bos, eos_token: eos, pad_token: pad, unk_token: unk };
  const tokens = Object.fromEntries(
    Object.entries(named).flatMap(([name, id]) => (id === undefined ? [] : [[name, decode([id])] as const])),
  );
  return openChatTemplate({ place, template: chatTemplate, tokens });
};

export const configOf = (weights: Weights): Promise<BaseModel["config"]> =>
  weights.format === "gguf" ? configOfGguf(weights) : readConfigJson(folderOf(weights));

/** Before anything is read: that each tensor is there in its shape, and in GGUF nothing that the model would ignore. */
const checkWhole = (
  weights: Weights,
  shape: ModelShape,
  { nameOf, entries, unknown }: NamedWeights,
): void => {
  const problem = modelTensors(shape, useOfShape(shape))
    .map(({ name, shape: sides }) => {
      const found = nameOf(name);
      if (found === undefined) return `it has no tensor ${name}`;
      const { shape: stored } = entries.get(found)!;
      return stored.join() === sides.join()
        ? undefined
        : `${found} has the shape [${stored.join()}], not [${sides.join()}]`;
    })
    .concat(unknown.map((name) => `it has a tensor ${printable(name)}, which is not known here`))
    .find((each) => each !== undefined);
  if (problem === undefined) return;
  throw new InputError({
    code: "model-unusable",
    place: weights.place,
    problem,
    cure: "use a model of the family that its configuration names",
  });
};

const printable = (name: string): string => (/^[\w./-]{1,200}$/u.test(name) ? name : "(unprintable)");
