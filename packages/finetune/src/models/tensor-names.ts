/**
 * What the families call their tensors: in Hugging Face layout, which is what adapters are named after, and in GGUF.
 */
import { InputError } from "@bulkhead/base";
import type { Family, ModelShape, ModelUse } from "./model-shape.ts";

/** Names without `.weight` and `.bias`; those of a layer stand behind its own. */
export interface LayerNames {
  readonly attentionNorm: string;
  /** Query, key and value, or the one projection to all three. */
  readonly projections: readonly [string, string, string] | readonly [string];
  readonly headNorms?: readonly [string, string];
  readonly output: string;
  readonly feedForwardNorm: string;
  readonly gate?: string;
  readonly up: string;
  readonly down: string;
}

export interface TensorNames {
  /** What stands before all names but the head's, in a model with a head. */
  readonly prefix: string;
  readonly words: string;
  readonly positions?: string;
  readonly types?: string;
  readonly embeddingNorm?: string;
  /** The layers' names are this, a dot and their number. */
  readonly layers: string;
  readonly layer: LayerNames;
  readonly finalNorm?: string;
  readonly head?: string;
  /** Weights of projections stand as [in, out]; elsewhere as [out, in]. */
  readonly inputsFirst: boolean;
}

const LLAMA: TensorNames = {
  prefix: "model.",
  words: "embed_tokens",
  layers: "layers",
  layer: {
    attentionNorm: "input_layernorm",
    projections: ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"],
    headNorms: ["self_attn.q_norm", "self_attn.k_norm"],
    output: "self_attn.o_proj",
    feedForwardNorm: "post_attention_layernorm",
    gate: "mlp.gate_proj",
    up: "mlp.up_proj",
    down: "mlp.down_proj",
  },
  finalNorm: "norm",
  head: "lm_head",
  inputsFirst: false,
};

const GPT2: TensorNames = {
  prefix: "transformer.",
  words: "wte",
  positions: "wpe",
  layers: "h",
  layer: {
    attentionNorm: "ln_1",
    projections: ["attn.c_attn"],
    output: "attn.c_proj",
    feedForwardNorm: "ln_2",
    up: "mlp.c_fc",
    down: "mlp.c_proj",
  },
  finalNorm: "ln_f",
  head: "lm_head",
  inputsFirst: true,
};

const BERT: TensorNames = {
  prefix: "bert.",
  words: "embeddings.word_embeddings",
  positions: "embeddings.position_embeddings",
  types: "embeddings.token_type_embeddings",
  embeddingNorm: "embeddings.LayerNorm",
  layers: "encoder.layer",
  layer: {
    attentionNorm: "attention.output.LayerNorm",
    projections: ["attention.self.query", "attention.self.key", "attention.self.value"],
    output: "attention.output.dense",
    feedForwardNorm: "output.LayerNorm",
    up: "intermediate.dense",
    down: "output.dense",
  },
  inputsFirst: false,
};

const ROBERTA: TensorNames = { ...BERT, prefix: "roberta." };

const NAMES: Readonly<Record<Family, TensorNames>> = {
  llama: LLAMA,
  mistral: LLAMA,
  qwen2: LLAMA,
  qwen3: LLAMA,
  gpt2: GPT2,
  bert: BERT,
  roberta: ROBERTA,
  "xlm-roberta": ROBERTA,
};

/** Throws an {@link InputError} for a use that the family has no head for. */
export const tensorNames = (family: Family, use: ModelUse): TensorNames => {
  const names = NAMES[family];
  if (use === "embedding") return { ...names, prefix: "" };
  if (use === "language-model" && names.head === undefined)
    throw new InputError({
      code: "model-unusable",
      place: `a model of the family ${family}`,
      problem: "it does not foretell the next token",
      cure: "use it for classification, or choose a decoder",
    });
  return names;
};

/** Of every projection in a layer, in the order in which its adapters stand in the model's vector. */
export const projectionNames = ({ layer }: TensorNames): readonly string[] => [
  ...layer.projections,
  layer.output,
  ...(layer.gate === undefined ? [] : [layer.gate]),
  layer.up,
  layer.down,
];

/** Parts of GGUF names [llama.cpp, gguf-py] and which part of ours they stand for. */
const GGUF_PARTS = {
  token_embd: "words",
  position_embd: "positions",
  token_types: "types",
  token_embd_norm: "embeddingNorm",
  output_norm: "finalNorm",
  output: "head",
} as const;

const GGUF_LAYER_PARTS: Readonly<Record<string, (names: LayerNames) => string | undefined>> = {
  attn_norm: ({ attentionNorm }) => attentionNorm,
  attn_q: ({ projections: [first, , last] }) => last && first,
  attn_k: ({ projections: [, second] }) => second,
  attn_v: ({ projections: [, , third] }) => third,
  attn_qkv: ({ projections }) => (projections.length === 1 ? projections[0] : undefined),
  attn_q_norm: ({ headNorms }) => headNorms?.[0],
  attn_k_norm: ({ headNorms }) => headNorms?.[1],
  attn_output: ({ output }) => output,
  attn_output_norm: ({ attentionNorm }) => attentionNorm,
  ffn_norm: ({ feedForwardNorm }) => feedForwardNorm,
  layer_output_norm: ({ feedForwardNorm }) => feedForwardNorm,
  ffn_gate: ({ gate }) => gate,
  ffn_up: ({ up }) => up,
  ffn_down: ({ down }) => down,
};

/** The Hugging Face name of a tensor in a GGUF file; `undefined` for one that such a model does not have. */
export const nameOfGguf = ({ family }: Pick<ModelShape, "family">, name: string): string | undefined => {
  const names = NAMES[family];
  const match = /^(?:blk\.(?<layer>\d+)\.)?(?<part>\w+)\.(?<kind>weight|bias)$/u.exec(name)?.groups;
  if (match === undefined) return undefined;
  const { layer, part, kind } = match;
  if (layer !== undefined) {
    const found = GGUF_LAYER_PARTS[part!]?.(names.layer);
    return found && `${names.prefix}${names.layers}.${layer}.${found}.${kind}`;
  }
  if (!isGgufPart(part!)) return undefined;
  const found = names[GGUF_PARTS[part]];
  return found && `${part === "output" ? "" : names.prefix}${found}.${kind}`;
};

const isGgufPart = (part: string): part is keyof typeof GGUF_PARTS => Object.hasOwn(GGUF_PARTS, part);
