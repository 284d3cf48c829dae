/** A decoder small enough for a federation within a test: random weights of a seed, and a token for each byte. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type NamedValues, writeSafetensors } from "@bulkhead/finetune";
import { onTestFinished } from "vitest";
import { randomNumbers } from "./tiny-model.ts";

const TINY_LLAMA = {
  model_type: "llama",
  hidden_act: "silu",
  num_hidden_layers: 2,
  hidden_size: 16,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  intermediate_size: 24,
  vocab_size: 258,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  rope_theta: 10_000,
  tie_word_embeddings: true,
} as const;

const SPECIALS = ["<|im_start|>", "<|im_end|>"];

/** GPT-2's: a printable character for each byte. */
const byteCharacters = (): readonly string[] => {
  let next = 256;
  const isPrintable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : next++));
};

const TOKENIZER = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: SPECIALS.map((content, i) => ({
    id: 256 + i,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: "",
    end_of_word_suffix: "",
    fuse_unk: false,
    byte_fallback: false,
    vocab: Object.fromEntries(byteCharacters().map((character, id) => [character, id])),
    merges: [],
  },
};

const tensorShapes = (): readonly (readonly [string, readonly number[]])[] => {
  const { hidden_size: width, intermediate_size: inner, vocab_size: words } = TINY_LLAMA;
  const layer = (i: number) => {
    const name = (rest: string) => `model.layers.${i}.${rest}.weight`;
    return [
      [name("input_layernorm"), [width]],
      [name("self_attn.q_proj"), [width, width]],
      [name("self_attn.k_proj"), [width / 2, width]],
      [name("self_attn.v_proj"), [width / 2, width]],
      [name("self_attn.o_proj"), [width, width]],
      [name("post_attention_layernorm"), [width]],
      [name("mlp.gate_proj"), [inner, width]],
      [name("mlp.up_proj"), [inner, width]],
      [name("mlp.down_proj"), [width, inner]],
    ] as const;
  };
  return [
    ["model.embed_tokens.weight", [words, width]],
    ...layer(0),
    ...layer(1),
    ["model.norm.weight", [width]],
  ];
};

const weights = (): readonly NamedValues[] => {
  const random = randomNumbers(11);
  return tensorShapes().map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((size, side) => size * side, 1) }, () =>
      shape.length === 1 ? 1 : 0.5 * random(),
    );
    return { name, shape, values };
  });
};

/** A folder in Hugging Face layout; it is gone when the test is over. */
export const tinyLanguageModel = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-llama-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: string | Uint8Array) =>
    fs.writeFileSync(path.join(folder, name), content);
  write("config.json", JSON.stringify(TINY_LLAMA));
  write("tokenizer.json", JSON.stringify(TOKENIZER));
  write("tokenizer_config.json", JSON.stringify({ eos_token: SPECIALS[1] }));
  write("model.safetensors", writeSafetensors(weights()));
  return folder;
};
