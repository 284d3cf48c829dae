/**
 * The `config.json` that a GGUF file's key-value pairs amount to. As strict as the reading of the original: a pair that is
 * not known, or has a value that would need other arithmetic, is refused by name.
 */
import { finite, InputError, integer, literal, oneOf, type Shape, ShapeError } from "@bulkhead/base";
import type { Weights } from "../weights/open-weights.ts";
import { type ConfigFields, configFields, positive, size } from "./config-fields.ts";
import { rotaryFrequencies } from "./rope.ts";

type Head = Pick<Weights, "place" | "metadata" | "tensors" | "floats">;
type Json = Readonly<Record<string, unknown>>;

/** The values of `general.architecture`; Mistral and SmolLM2 are stored as `llama`. */
const ARCHITECTURES = ["llama", "qwen2", "qwen3", "gpt2"] as const;
type Architecture = (typeof ARCHITECTURES)[number];

const CLASSES: Readonly<Record<Architecture, string>> = {
  llama: "LlamaForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  gpt2: "GPT2LMHeadModel",
};

/** Throws an {@link InputError} that names the pair at fault. */
export const configOfGguf = async (weights: Head): Promise<Json> => {
  try {
    const architecture = oneOf(...ARCHITECTURES)(
      weights.metadata.get("general.architecture"),
      "general.architecture",
    );
    const fields = fieldsOf(weights, architecture);
    const config = architecture === "gpt2" ? gpt2(fields, weights) : await llamaLike(fields, weights);
    fields.close();
    return {
      architectures: [CLASSES[architecture]],
      model_type: architecture,
      vocab_size: vocabularyOf(weights),
      ...config,
      tie_word_embeddings: !weights.tensors.has("output.weight"),
      ...tokenIds(weights),
      torch_dtype: "float32",
    };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new InputError({
      code: "model-unusable",
      place: weights.place,
      problem: error.message,
      cure: `use a GGUF file of one of the architectures ${ARCHITECTURES.join(", ")}, or the model's folder`,
    });
  }
};

/** The pairs under the architecture's name. What they say of the table of words stands in its shape too. */
const fieldsOf = (weights: Head, architecture: Architecture): ConfigFields => {
  const prefix = `${architecture}.`;
  const own = [...weights.metadata].filter(([key]) => key.startsWith(prefix));
  const fields = configFields(
    Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value])),
    WITHOUT_EFFECT,
  );
  fields.maybe("vocab_size", literal(vocabularyOf(weights)));
  for (const name of ["expert_count", "expert_used_count", "leading_dense_block_count"]) fields.only(name, 0);
  fields.only("attention.causal", true);
  fields.only("attention.sliding_window", 0);
  return fields;
};

const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["tensor_data_layout", "rope.scaling.finetuned"]);

const vocabularyOf = ({ tensors }: Head): number => {
  const table = tensors.get("token_embd.weight");
  if (table?.shape.length !== 2) throw new ShapeError("token_embd.weight", "a table of words");
  return table.shape[0]!;
};

const gpt2 = (fields: ConfigFields, { tensors }: Head): Json => {
  const width = fields.get("embedding_length", size);
  fields.maybe("attention.head_count_kv", literal(fields.get("attention.head_count", size)));
  const positions = fields.get("context_length", size);
  if (tensors.get("position_embd.weight")?.shape.join() !== `${positions},${width}`)
    throw new ShapeError("position_embd.weight", `a table of ${positions} positions`);
  return {
    n_embd: width,
    n_layer: fields.get("block_count", size),
    n_head: fields.get("attention.head_count", size),
    n_positions: positions,
    n_inner: fields.get("feed_forward_length", size),
    layer_norm_epsilon: shortest(fields.get("attention.layer_norm_epsilon", finite(0, 1))),
    activation_function: "gelu_new",
  };
};

const llamaLike = async (fields: ConfigFields, weights: Head): Promise<Json> => {
  const width = fields.get("embedding_length", size);
  const heads = fields.get("attention.head_count", size);
  const headWidth = fields.maybe("attention.key_length", size) ?? width / heads;
  for (const name of ["attention.value_length", "rope.dimension_count"])
    fields.maybe(name, literal(headWidth));
  const base = shortest(fields.maybe("rope.freq_base", positive) ?? 10_000);
  return {
    hidden_act: "silu",
    hidden_size: width,
    num_hidden_layers: fields.get("block_count", size),
    num_attention_heads: heads,
    num_key_value_heads: fields.maybe("attention.head_count_kv", size) ?? heads,
    head_dim: headWidth,
    intermediate_size: fields.get("feed_forward_length", size),
    max_position_embeddings: fields.get("context_length", size),
    rms_norm_eps: shortest(fields.get("attention.layer_norm_rms_epsilon", finite(0, 1))),
    ...biasesOf(weights),
    rope_theta: base,
    rope_scaling: await scalingOf(fields, weights, { headWidth, base }),
  };
};

/** Whether there are biases is not said, but seen. Qwen2 has some always, and no field that says so. */
const biasesOf = ({ tensors, metadata }: Head): Json => {
  if (metadata.get("general.architecture") === "qwen2") return {};
  const attention = ["attn_q", "attn_k", "attn_v", "attn_output"].filter((part) =>
    tensors.has(`blk.0.${part}.bias`),
  );
  if (attention.length % 4 !== 0)
    throw new ShapeError("blk.0", "a bias at every projection of attention, or at none");
  return { attention_bias: attention.length === 4, mlp_bias: tensors.has("blk.0.ffn_up.bias") };
};

interface Rotary {
  readonly headWidth: number;
  readonly base: number;
}

const scalingOf = async (fields: ConfigFields, weights: Head, rotary: Rotary): Promise<Json | null> => {
  const kind = fields.maybe("rope.scaling.type", oneOf("none", "linear"));
  fields.maybe("rope.scaling.original_context_length", size);
  for (const name of ["rope.scaling.attn_factor", "rope.scaling.yarn_log_multiplier"])
    fields.only(name, 1, 0);
  const factor = fields.maybe("rope.scaling.factor", positive) ?? fields.maybe("rope.scale_linear", positive);
  const stretched = await llama3Scaling(weights, rotary);
  if (kind !== "linear") return stretched;
  if (stretched !== null) throw new ShapeError("rope_freqs.weight", "no second kind of scaling");
  return { rope_type: "linear", factor: factor ?? 1 };
};

/** What every Llama of version 3.1 and later has; the file holds only what each frequency is divided by. */
const LLAMA3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

const llama3Scaling = async (weights: Head, { headWidth, base }: Rotary): Promise<Json | null> => {
  if (!weights.tensors.has("rope_freqs.weight")) return null;
  const divisors = await weights.floats("rope_freqs.weight");
  const factor = divisors.reduce((largest, divisor) => Math.max(largest, divisor), 1);
  const plain = rotaryFrequencies(headWidth, base, { type: "none" });
  const stretched = rotaryFrequencies(headWidth, base, {
    type: "llama3",
    factor,
    lowFrequencyFactor: LLAMA3.low_freq_factor,
    highFrequencyFactor: LLAMA3.high_freq_factor,
    originalPositions: LLAMA3.original_max_position_embeddings,
  });
  const agree =
    divisors.length === plain.length &&
    plain.every((frequency, i) => Math.abs(frequency / divisors[i]! / stretched[i]! - 1) < 1e-5);
  if (!agree) throw new ShapeError("rope_freqs.weight", "the frequencies of Llama 3.1, or none");
  return { rope_type: "llama3", factor, ...LLAMA3 };
};

const TOKEN_IDS = { bos_token_id: "bos", eos_token_id: "eos", pad_token_id: "padding" } as const;
const tokenId: Shape<number> = integer(0, 2 ** 24);

const tokenIds = ({ metadata }: Head): Json =>
  Object.fromEntries(
    Object.entries(TOKEN_IDS).flatMap(([field, name]) => {
      const key = `tokenizer.ggml.${name}_token_id`;
      const id = metadata.get(key);
      return id === undefined ? [] : [[field, tokenId(id, key)] as const];
    }),
  );

/** The number that somebody wrote before it was rounded to 32 bits. */
const shortest = (value: number): number => {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return value;
};
