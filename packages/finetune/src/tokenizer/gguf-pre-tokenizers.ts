/** How GGUF's `tokenizer.ggml.pre` parts a text before the merges: the same expressions as in the models' own `tokenizer.json`. */
import type { Part } from "./tokenizer-definition.ts";

export interface GgufPreTokenizer {
  readonly normalizer?: Part;
  readonly preTokenizer: Part;
  /** A piece that is a token is that token, whatever the merges would make of it. */
  readonly ignoreMerges: boolean;
  /** Whether a text begins with the bos token where the file does not say. */
  readonly addBos: boolean;
}

const isolated = (regex: string): Part => ({
  type: "Split",
  pattern: { Regex: regex },
  behavior: "Isolated",
  invert: false,
});

const byteLevel = (useRegex: boolean): Part => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: false,
  use_regex: useRegex,
});

const sequence = (...parts: readonly Part[]): Part => ({ type: "Sequence", pretokenizers: parts });

const GPT2: GgufPreTokenizer = { preTokenizer: byteLevel(true), ignoreMerges: false, addBos: false };

const SMOLLM: GgufPreTokenizer = {
  ...GPT2,
  preTokenizer: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)),
};

const LLAMA3: GgufPreTokenizer = {
  preTokenizer: sequence(
    isolated(
      String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    ),
    byteLevel(false),
  ),
  ignoreMerges: true,
  addBos: true,
};

const QWEN2: GgufPreTokenizer = {
  normalizer: { type: "NFC" },
  preTokenizer: sequence(
    isolated(
      String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    ),
    byteLevel(false),
  ),
  ignoreMerges: false,
  addBos: false,
};

/** What llama.cpp does where a file names nothing: its four expressions, one after the other. */
const DEFAULT: GgufPreTokenizer = {
  preTokenizer: sequence(
    isolated(String.raw`[\p{P}\$\+<=>\^~\|]+`),
    isolated(String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)`),
    isolated(String.raw`\p{N}+`),
    isolated("[0-9][0-9][0-9]"),
    byteLevel(false),
  ),
  ignoreMerges: false,
  addBos: false,
};

export const GGUF_PRE_TOKENIZERS: ReadonlyMap<string, GgufPreTokenizer> = new Map([
  ["default", DEFAULT],
  ["gpt-2", GPT2],
  ["smollm", SMOLLM],
  ["llama-bpe", LLAMA3],
  ["llama3", LLAMA3],
  ["llama-v3", LLAMA3],
  ["qwen2", QWEN2],
]);
