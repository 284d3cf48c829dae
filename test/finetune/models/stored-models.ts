/** The small models as files: a folder in Hugging Face layout, and a GGUF file laid out as llama.cpp lays them out. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { nameOfGguf, writeSafetensors } from "@bulkhead/finetune";
import { onTestFinished } from "vitest";
import {
  arrayPair,
  gText,
  ggufFile,
  type GPair,
  type GTensor,
  textPair,
  u32,
  u32Pair,
} from "../weights/gguf-file.ts";
import { shapeOf, type SmallCase, smallWeights } from "./small-models.ts";

export const newFolder = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-model-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** One letter each, and a special token that ends a text. */
const TOKENS = [..."a b c d e f g h i j k l m n o p q r s t u v w".split(" "), "<|end|>"];
export const END = TOKENS.length - 1;
const CHAT = "{% for message in messages %}{{ message['content'] }}<|end|>{% endfor %}";

const f32Pair = (key: string, value: number): GPair => ({
  key,
  type: 6,
  value: new Uint8Array(Float32Array.of(value).buffer),
});

const TOKENIZER_PAIRS: readonly GPair[] = [
  textPair("tokenizer.ggml.model", "gpt2"),
  textPair("tokenizer.ggml.pre", "gpt-2"),
  arrayPair(
    "tokenizer.ggml.tokens",
    8,
    TOKENS.map((token) => gText(token)),
  ),
  arrayPair(
    "tokenizer.ggml.token_type",
    5,
    TOKENS.map((_, id) => u32(id === END ? 3 : 1)),
  ),
  arrayPair("tokenizer.ggml.merges", 8, []),
  u32Pair("tokenizer.ggml.eos_token_id", END),
  textPair("tokenizer.chat_template", CHAT),
];

const number = (config: SmallCase["config"], name: string): number => Number(config[name]);

/** The pairs that llama.cpp's converter writes for such a model. */
export const pairsOf = ({ config }: SmallCase): readonly GPair[] => {
  const family = String(config["model_type"]);
  const at = (name: string) => `${family}.${name}`;
  const head = [textPair("general.architecture", family), ...TOKENIZER_PAIRS];
  if (family === "gpt2")
    return [
      ...head,
      u32Pair(at("block_count"), number(config, "n_layer")),
      u32Pair(at("context_length"), number(config, "n_positions")),
      u32Pair(at("embedding_length"), number(config, "n_embd")),
      u32Pair(at("feed_forward_length"), 4 * number(config, "n_embd")),
      u32Pair(at("attention.head_count"), number(config, "n_head")),
      f32Pair(at("attention.layer_norm_epsilon"), number(config, "layer_norm_epsilon")),
    ];
  const rope: Readonly<Record<string, unknown>> = Object(config["rope_parameters"]);
  return [
    ...head,
    u32Pair(at("vocab_size"), number(config, "vocab_size")),
    u32Pair(at("block_count"), number(config, "num_hidden_layers")),
    u32Pair(at("context_length"), number(config, "max_position_embeddings")),
    u32Pair(at("embedding_length"), number(config, "hidden_size")),
    u32Pair(at("feed_forward_length"), number(config, "intermediate_size")),
    u32Pair(at("attention.head_count"), number(config, "num_attention_heads")),
    u32Pair(at("attention.head_count_kv"), number(config, "num_key_value_heads")),
    f32Pair(at("attention.layer_norm_rms_epsilon"), number(config, "rms_norm_eps")),
    f32Pair(at("rope.freq_base"), Number(rope["rope_theta"])),
    ...("head_dim" in config && config["head_dim"] !== null
      ? [u32Pair(at("attention.key_length"), number(config, "head_dim"))]
      : []),
    ...(rope["rope_type"] === "linear"
      ? [
          textPair(at("rope.scaling.type"), "linear"),
          f32Pair(at("rope.scaling.factor"), Number(rope["factor"])),
        ]
      : []),
  ];
};

const TOP = ["token_embd", "position_embd", "output_norm", "output"];
const IN_LAYER =
  "attn_norm attn_q attn_k attn_v attn_qkv attn_q_norm attn_k_norm attn_output ffn_norm ffn_gate ffn_up ffn_down".split(
    " ",
  );

const ggufTensors = async (small: SmallCase): Promise<readonly GTensor[]> => {
  const shape = shapeOf(small);
  const weights = smallWeights(small);
  const names = [
    ...TOP,
    ...Array.from({ length: shape.layers }, (_, i) => IN_LAYER.map((part) => `blk.${i}.${part}`)).flat(),
  ].flatMap((part) => [`${part}.weight`, `${part}.bias`]);
  const tensors: GTensor[] = [];
  for (const name of names) {
    const theirs = nameOfGguf(shape, name);
    const sides = theirs === undefined ? undefined : small.shapes[theirs];
    if (theirs === undefined || sides === undefined) continue;
    const stored = asStored(small, theirs, await weights(theirs, sides), sides);
    tensors.push({
      name,
      sides: stored.sides.toReversed(),
      type: 0,
      bytes: new Uint8Array(stored.values.slice().buffer),
    });
  }
  return tensors;
};

export const writeGguf = async (
  small: SmallCase,
  {
    pairs = pairsOf(small),
    more = [],
  }: { readonly pairs?: readonly GPair[]; readonly more?: readonly GTensor[] } = {},
): Promise<string> => {
  const file = path.join(newFolder(), "small.gguf");
  fs.writeFileSync(file, ggufFile({ pairs, tensors: [...(await ggufTensors(small)), ...more] }));
  return file;
};

/** As `LlamaModel.permute` and the transposition of GPT-2's weights in llama.cpp's converter. */
const asStored = (
  small: SmallCase,
  name: string,
  values: Float32Array,
  sides: readonly number[],
): { readonly values: Float32Array; readonly sides: readonly number[] } => {
  const { family, heads, keyValueHeads, headWidth } = shapeOf(small);
  const rows = sides[0]!;
  const columns = sides[1] ?? 1;
  const rowsIn = (order: (row: number) => number) =>
    Float32Array.from(values, (_, i) => values[order(Math.floor(i / columns)) * columns + (i % columns)]!);
  if (family === "gpt2" && /c_(?:attn|proj|fc)\.weight$/u.test(name))
    return {
      values: Float32Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]!),
      sides: [columns, rows],
    };
  const count = name.includes("q_proj") ? heads : name.includes("k_proj") ? keyValueHeads : undefined;
  if (family !== "llama" || count === undefined) return { values, sides };
  const half = headWidth / 2;
  const interleaved = (row: number): number => {
    const within = row % headWidth;
    return row - within + (within % 2) * half + Math.floor(within / 2);
  };
  return { values: rowsIn(interleaved), sides };
};

/** With a tokenizer of the same letters. */
export const writeFolder = async (small: SmallCase, folder: string = newFolder()): Promise<string> => {
  const weights = smallWeights(small);
  const tensors = [];
  for (const [name, shape] of Object.entries(small.shapes))
    tensors.push({ name, shape, values: await weights(name, shape) });
  fs.writeFileSync(path.join(folder, "model.safetensors"), writeSafetensors(tensors));
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(small.config));
  const tokenizer = {
    added_tokens: [{ id: END, content: TOKENS[END], special: true }],
    model: {
      type: "BPE",
      vocab: Object.fromEntries(TOKENS.map((token, id) => [token, id])),
      merges: [],
    },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    decoder: { type: "ByteLevel" },
  };
  fs.writeFileSync(path.join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  const settings = { eos_token: TOKENS[END], chat_template: CHAT };
  fs.writeFileSync(path.join(folder, "tokenizer_config.json"), JSON.stringify(settings));
  return folder;
};
