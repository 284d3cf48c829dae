/**
 * From a model's `config.json`, as Hugging Face writes it, to its shape. Nothing is guessed: a field that is not known,
 * or has a value that would need other arithmetic, is refused by name.
 */
import { finite, InputError, integer, oneOf, ShapeError } from "@bulkhead/base";
import { type ConfigFields, configFields, flag, size } from "./config-fields.ts";
import { type Activation, FAMILIES, type Family, type ModelShape } from "./model-shape.ts";
import { rotaryOf } from "./rope-fields.ts";

/** `place` names the file in errors. Throws an {@link InputError}. */
export const shapeOfConfig = (json: Readonly<Record<string, unknown>>, place: string): ModelShape => {
  try {
    const fields = configFields(json);
    const family = fields.get("model_type", oneOf(...FAMILIES));
    for (const name of ["quantization_config", "compression_config"]) fields.only(name);
    fields.only("is_encoder_decoder", false);
    fields.only("add_cross_attention", false);
    fields.only("tie_encoder_decoder", false);
    for (const name of ["pruned_heads", "_pruned_heads"]) fields.maybe(name, nothing);
    const shape = READERS[family](fields, family);
    fields.close();
    return checked(shape);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new InputError({
      code: "model-unusable",
      place,
      problem: error.message,
      cure: `use a model of one of the families ${FAMILIES.join(", ")}, without what is named here`,
    });
  }
};

const nothing = (value: unknown, path = ""): undefined => {
  if (typeof value === "object" && value !== null && Object.keys(value).length === 0) return undefined;
  throw new ShapeError(path, "nothing");
};

const layers = integer(1, 1024);
const epsilon = finite(0, 1);

const checked = (shape: ModelShape): ModelShape => {
  if (shape.heads % shape.keyValueHeads !== 0)
    throw new ShapeError("num_key_value_heads", "a divisor of num_attention_heads");
  if (!Number.isInteger(shape.headWidth))
    throw new ShapeError("num_attention_heads", "a divisor of hidden_size");
  if (shape.position.type === "rotary" && shape.headWidth % 2 !== 0)
    throw new ShapeError("head_dim", "an even number");
  return shape;
};

type Reader = (fields: ConfigFields, family: Family) => ModelShape;

/** Llama and those that differ from it in biases, norms and what a token sees. */
const llamaLike: Reader = (fields, family) => {
  const width = fields.get("hidden_size", size);
  const heads = fields.get("num_attention_heads", size);
  const positions = fields.get("max_position_embeddings", size);
  fields.only("hidden_act", "silu");
  fields.only("rope_interleaved", false);
  const isQwen2 = family === "qwen2";
  const attentionBias = isQwen2 ? false : (fields.maybe("attention_bias", flag) ?? false);
  return {
    family,
    layers: fields.get("num_hidden_layers", layers),
    width,
    heads,
    keyValueHeads: fields.maybe("num_key_value_heads", size) ?? heads,
    headWidth: fields.maybe("head_dim", size) ?? (family === "qwen3" ? 128 : width / heads),
    innerWidth: fields.get("intermediate_size", size),
    vocabulary: fields.get("vocab_size", size),
    positions,
    position: rotaryOf(fields, positions),
    norm: { type: "root-mean-square", epsilon: fields.get("rms_norm_eps", epsilon), place: "before" },
    headNorms: family === "qwen3",
    activation: "silu",
    gated: true,
    biases: {
      queryKeyValue: isQwen2 || attentionBias,
      output: attentionBias,
      feedForward: fields.maybe("mlp_bias", flag) ?? false,
    },
    causal: true,
    window: windowOf(fields, family),
    tiedHead: fields.maybe("tie_word_embeddings", flag) ?? false,
    tokenTypes: 0,
  };
};

/** Mistral's layers all have the window; Qwen's have none unless a switch says so, and then not all. */
const windowOf = (fields: ConfigFields, family: Family): number | undefined => {
  fields.only("use_sliding_window", false);
  const window = fields.maybe("sliding_window", size);
  const applies = family === "mistral" && window !== undefined;
  const kind = applies ? "sliding_attention" : "full_attention";
  fields.maybe("layer_types", (value, path = "") => {
    if (!Array.isArray(value) || value.some((each) => each !== kind))
      throw new ShapeError(path, `${kind} for every layer`);
  });
  return applies ? window : undefined;
};

const gpt2: Reader = (fields, family) => {
  const width = fields.get("n_embd", size);
  const heads = fields.get("n_head", size);
  fields.only("scale_attn_weights", true);
  fields.only("scale_attn_by_inverse_layer_idx", false);
  fields.maybe("reorder_and_upcast_attn", flag);
  return {
    family,
    layers: fields.get("n_layer", layers),
    width,
    heads,
    keyValueHeads: heads,
    headWidth: width / heads,
    innerWidth: fields.maybe("n_inner", size) ?? 4 * width,
    vocabulary: fields.get("vocab_size", size),
    positions: fields.get("n_positions", size),
    position: { type: "learned", offset: 0 },
    norm: { type: "layer", epsilon: fields.get("layer_norm_epsilon", epsilon), place: "before" },
    headNorms: false,
    activation: activationOf(fields, "activation_function"),
    gated: false,
    biases: { queryKeyValue: true, output: true, feedForward: true },
    causal: true,
    window: undefined,
    tiedHead: fields.maybe("tie_word_embeddings", flag) ?? true,
    tokenTypes: 0,
  };
};

/** RoBERTa's table of positions starts behind the one that stands for padding. */
const bertLike: Reader = (fields, family) => {
  const width = fields.get("hidden_size", size);
  const heads = fields.get("num_attention_heads", size);
  fields.only("position_embedding_type", "absolute");
  fields.only("is_decoder", false);
  fields.maybe("tie_word_embeddings", flag);
  const offset = family === "bert" ? 0 : (fields.maybe("pad_token_id", integer(0, 1 << 20)) ?? 1) + 1;
  return {
    family,
    layers: fields.get("num_hidden_layers", layers),
    width,
    heads,
    keyValueHeads: heads,
    headWidth: width / heads,
    innerWidth: fields.get("intermediate_size", size),
    vocabulary: fields.get("vocab_size", size),
    positions: fields.get("max_position_embeddings", size) - offset,
    position: { type: "learned", offset },
    norm: { type: "layer", epsilon: fields.get("layer_norm_eps", epsilon), place: "after" },
    headNorms: false,
    activation: activationOf(fields, "hidden_act"),
    gated: false,
    biases: { queryKeyValue: true, output: true, feedForward: true },
    causal: false,
    window: undefined,
    tiedHead: true,
    tokenTypes: fields.maybe("type_vocab_size", size) ?? 2,
  };
};

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: "gelu",
  gelu_new: "gelu-tanh",
  gelu_pytorch_tanh: "gelu-tanh",
};

const activationOf = (fields: ConfigFields, name: string): Activation =>
  ACTIVATIONS[fields.get(name, oneOf(...Object.keys(ACTIVATIONS)))]!;

const READERS: Readonly<Record<Family, Reader>> = {
  llama: llamaLike,
  mistral: llamaLike,
  qwen2: llamaLike,
  qwen3: llamaLike,
  gpt2,
  bert: bertLike,
  roberta: bertLike,
  "xlm-roberta": bertLike,
};
