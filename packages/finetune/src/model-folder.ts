/** What the files of a base model say, checked as they are read. */
import path from "node:path";
import { InputError, integer, finite, literal, ShapeError, type Shape, utf8ToText } from "@bulkhead/base";
import { CONFIG, type ModelFile, readModelFile, TOKENIZER, WEIGHTS } from "./model-files.ts";
import { floatsOf, readSafetensors, type StoredTensor } from "./weights/safetensors.ts";

/** A BERT encoder's sizes. */
export interface EncoderConfig {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly innerWidth: number;
  readonly vocabulary: number;
  readonly positions: number;
  readonly layerNormEpsilon: number;
}

const readJson = async (folder: string, name: ModelFile): Promise<Readonly<Record<string, unknown>>> => {
  const bytes = await readModelFile(folder, name);
  let value: unknown;
  try {
    value = JSON.parse(utf8ToText(bytes));
  } catch {
    value = undefined;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw unusable(folder, name, "it is not a JSON object");
};

const unusable = (folder: string, name: string, problem: string): InputError =>
  new InputError({
    code: "model-unusable",
    place: path.join(folder, name),
    problem,
    cure: "use a BERT encoder in Hugging Face layout",
  });

const size = integer(1, 1 << 20);

/** Fields that this code does not know do not concern it; those that would change the result must have the known value. */
const CONFIG_FIELDS = {
  num_hidden_layers: integer(1, 256),
  hidden_size: size,
  num_attention_heads: size,
  intermediate_size: size,
  vocab_size: size,
  max_position_embeddings: size,
  layer_norm_eps: finite(0, 1),
} satisfies Readonly<Record<string, Shape<number>>>;

export const readEncoderConfig = async (folder: string): Promise<EncoderConfig> => {
  const json = await readJson(folder, CONFIG);
  try {
    if ((json["position_embedding_type"] ?? "absolute") !== "absolute")
      throw new ShapeError("position_embedding_type", "absolute");
    literal("bert")(json["model_type"], "model_type");
    literal("gelu")(json["hidden_act"], "hidden_act");
    const field = (name: keyof typeof CONFIG_FIELDS) => CONFIG_FIELDS[name](json[name], name);
    const config = {
      layers: field("num_hidden_layers"),
      width: field("hidden_size"),
      heads: field("num_attention_heads"),
      innerWidth: field("intermediate_size"),
      vocabulary: field("vocab_size"),
      positions: field("max_position_embeddings"),
      layerNormEpsilon: field("layer_norm_eps"),
    };
    if (config.width % config.heads !== 0)
      throw new ShapeError("num_attention_heads", "a divisor of hidden_size");
    return config;
  } catch (error) {
    if (error instanceof ShapeError) throw unusable(folder, CONFIG, error.message);
    throw error;
  }
};

/** Gives the values of a tensor that must be there with that shape. */
export type WeightReader = (name: string, shape: readonly number[]) => Float32Array;

/** Reads the weights once; names may stand under `bert.`, as in models with a head. Throws an {@link InputError}. */
export const readWeights = async (folder: string): Promise<WeightReader> => {
  const tensors = readSafetensors(await readModelFile(folder, WEIGHTS), path.join(folder, WEIGHTS));
  return (name, shape) => {
    const tensor = tensors.get(name) ?? tensors.get(`bert.${name}`);
    if (tensor === undefined) throw unusable(folder, WEIGHTS, `it has no tensor ${name}`);
    if (tensor.shape.join() !== shape.join())
      throw unusable(
        folder,
        WEIGHTS,
        `${name} has the shape [${tensor.shape.join()}], not [${shape.join()}]`,
      );
    return floats(folder, tensor);
  };
};

const floats = (folder: string, tensor: StoredTensor): Float32Array => {
  const values = floatsOf(tensor);
  if (values === undefined)
    throw unusable(folder, WEIGHTS, `${tensor.name} holds ${tensor.dtype}, not floats`);
  return values;
};

export const readTokenizerJson = (folder: string): Promise<Readonly<Record<string, unknown>>> =>
  readJson(folder, TOKENIZER);

export const readConfigJson = (folder: string): Promise<Readonly<Record<string, unknown>>> =>
  readJson(folder, CONFIG);
