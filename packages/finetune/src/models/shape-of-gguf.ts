/** From the key-value pairs of a GGUF file to the shape of its model, by way of the `config.json` that would say the same. */
import { InputError } from "@bulkhead/base";
import type { Weights } from "../weights/open-weights.ts";
import type { ModelShape } from "./model-shape.ts";
import { shapeOfConfig } from "./shape-of-config.ts";

const FAMILIES: readonly string[] = ["llama", "qwen2", "qwen3"];

type Head = Pick<Weights, "metadata" | "tensors" | "place">;

/** Throws an {@link InputError}, also for a family that GGUF lays out otherwise than this program reads. */
export const shapeOfGguf = ({ metadata, tensors, place }: Head): ModelShape => {
  const family = metadata.get("general.architecture");
  if (typeof family !== "string" || !FAMILIES.includes(family))
    throw unusable(place, `its general.architecture is not one of ${FAMILIES.join(", ")}`);
  // Llama 3's scaling stands in a tensor of its own, which nothing here reads.
  if (tensors.has("rope_freqs.weight"))
    throw unusable(place, "its positions are scaled by rope_freqs.weight");
  const value = (key: string): unknown => {
    const stored = metadata.get(`${family}.${key}`);
    return typeof stored === "bigint" ? Number(stored) : stored;
  };
  return shapeOfConfig({ model_type: family, ...fieldsOf(value), ...wordsOf(tensors) }, place);
};

const fieldsOf = (value: (key: string) => unknown) => ({
  hidden_act: "silu",
  num_hidden_layers: value("block_count"),
  hidden_size: value("embedding_length"),
  num_attention_heads: value("attention.head_count"),
  num_key_value_heads: value("attention.head_count_kv"),
  head_dim: value("attention.key_length"),
  intermediate_size: value("feed_forward_length"),
  max_position_embeddings: value("context_length"),
  rms_norm_eps: rounded(value("attention.layer_norm_rms_epsilon")),
  rope_theta: value("rope.freq_base"),
  rope_scaling: scalingOf(value),
});

const scalingOf = (value: (key: string) => unknown) => {
  const type = value("rope.scaling.type");
  return type === undefined || type === "none" ? undefined : { type, factor: value("rope.scaling.factor") };
};

/** GGUF has it in 32 bits: 1e-5 comes out as 9.99999974…e-6, and is meant as 1e-5. */
const rounded = (value: unknown): unknown =>
  typeof value === "number" ? Number(value.toPrecision(6)) : value;

const wordsOf = (tensors: Weights["tensors"]) => ({
  vocab_size: tensors.get("token_embd.weight")?.shape[0],
  tie_word_embeddings: !tensors.has("output.weight"),
});

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "model-unusable",
    place,
    problem,
    cure: `use a GGUF file of the families ${FAMILIES.join(", ")}, or the model's folder in Hugging Face layout`,
  });
