/** A tiny random Llama with a byte-level tokenizer in one GGUF file: all that SmolLM2's file has, but its size. */
import { byteLevelMetadata } from "../vectors/tokenizer-cases.ts";
import {
  arrayPair,
  ggufFile,
  gText,
  type GPair,
  type GTensor,
  textPair,
  u32,
  u32Pair,
} from "../finetune/weights/gguf-file.ts";
import { randomNumbers } from "../finetune/tiny-model.ts";

const WIDTH = 16;
const INNER = 24;
const KEYS = 8;
const BLOCKS = 3;

const floatPair = (key: string, value: number): GPair => ({
  key,
  type: 6,
  value: new Uint8Array(Float32Array.of(value).buffer),
});

const shapePairs: readonly GPair[] = [
  textPair("general.architecture", "llama"),
  u32Pair("llama.block_count", BLOCKS),
  u32Pair("llama.embedding_length", WIDTH),
  u32Pair("llama.attention.head_count", 2),
  u32Pair("llama.attention.head_count_kv", 1),
  u32Pair("llama.feed_forward_length", INNER),
  u32Pair("llama.context_length", 128),
  floatPair("llama.attention.layer_norm_rms_epsilon", 1e-5),
  floatPair("llama.rope.freq_base", 10_000),
];

const pairOf = (key: string, value: unknown): GPair => {
  if (typeof value === "string") return textPair(key, value);
  if (typeof value === "number") return u32Pair(key, value);
  if (value instanceof Int32Array) return arrayPair(key, 5, Array.from(value, u32));
  const texts: readonly unknown[] = Array.isArray(value) ? value : [];
  return arrayPair(
    key,
    8,
    texts.map((text) => gText(String(text))),
  );
};

export const tinyGgufModel = (): Uint8Array => {
  const metadata = byteLevelMetadata("gpt-2");
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const random = randomNumbers(3);
  const tensor = (name: string, ...sides: readonly number[]): GTensor => {
    const count = sides.reduce((size, side) => size * side, 1);
    const values = Float32Array.from({ length: count }, () => (sides.length === 1 ? 1 : 0.5 * random()));
    return { name: `${name}.weight`, sides, type: 0, bytes: new Uint8Array(values.buffer) };
  };
  const block = (i: number): readonly GTensor[] => [
    tensor(`blk.${i}.attn_norm`, WIDTH),
    tensor(`blk.${i}.attn_q`, WIDTH, WIDTH),
    tensor(`blk.${i}.attn_k`, WIDTH, KEYS),
    tensor(`blk.${i}.attn_v`, WIDTH, KEYS),
    tensor(`blk.${i}.attn_output`, WIDTH, WIDTH),
    tensor(`blk.${i}.ffn_norm`, WIDTH),
    tensor(`blk.${i}.ffn_gate`, WIDTH, INNER),
    tensor(`blk.${i}.ffn_up`, WIDTH, INNER),
    tensor(`blk.${i}.ffn_down`, INNER, WIDTH),
  ];
  return ggufFile({
    pairs: [...shapePairs, ...[...metadata].map(([key, value]) => pairOf(key, value))],
    tensors: [
      tensor("token_embd", WIDTH, Array.isArray(tokens) ? tokens.length : 0),
      ...Array.from({ length: BLOCKS }, (_, i) => block(i)).flat(),
      tensor("output_norm", WIDTH),
    ],
  });
};
