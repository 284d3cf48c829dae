/** A base model small enough to follow by hand: random weights of a seed, and a vocabulary of a few words. */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type NamedValues, writeSafetensors } from "@bulkhead/finetune";
import { onTestFinished } from "vitest";

export const TINY = { layers: 3, width: 8, heads: 2, innerWidth: 12, positions: 10, epsilon: 1e-12 } as const;

const WORDS = [
  "[PAD]",
  "[UNK]",
  "[CLS]",
  "[SEP]",
  "buy",
  "pills",
  "now",
  "the",
  "list",
  "meets",
  "##s",
  "monday",
];

/** A word that has no embedding in {@link overflowingModel}. */
export const OVERFLOWING = "monday";

export const TINY_CONFIG = {
  model_type: "bert",
  hidden_act: "gelu",
  num_hidden_layers: TINY.layers,
  hidden_size: TINY.width,
  num_attention_heads: TINY.heads,
  intermediate_size: TINY.innerWidth,
  vocab_size: WORDS.length,
  max_position_embeddings: TINY.positions,
  layer_norm_eps: TINY.epsilon,
};

/** As published tokenizers are, with settings for inference that training must not follow. */
export const TINY_TOKENIZER = {
  version: "1.0",
  truncation: { max_length: 4, strategy: "LongestFirst", stride: 0, direction: "Right" },
  padding: {
    strategy: { Fixed: 8 },
    direction: "Right",
    pad_to_multiple_of: null,
    pad_id: 0,
    pad_type_id: 0,
    pad_token: "[PAD]",
  },
  added_tokens: WORDS.slice(0, 4).map((content, id) => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })),
  normalizer: {
    type: "BertNormalizer",
    clean_text: true,
    handle_chinese_chars: true,
    strip_accents: null,
    lowercase: true,
  },
  pre_tokenizer: { type: "BertPreTokenizer" },
  post_processor: {
    type: "TemplateProcessing",
    single: [
      { SpecialToken: { id: "[CLS]", type_id: 0 } },
      { Sequence: { id: "A", type_id: 0 } },
      { SpecialToken: { id: "[SEP]", type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      "[CLS]": { id: "[CLS]", ids: [2], tokens: ["[CLS]"] },
      "[SEP]": { id: "[SEP]", ids: [3], tokens: ["[SEP]"] },
    },
  },
  decoder: { type: "WordPiece", prefix: "##", cleanup: true },
  model: {
    type: "WordPiece",
    unk_token: "[UNK]",
    continuing_subword_prefix: "##",
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
  },
};

/** Numbers in −0.5…0.5 from a seed: mulberry32. */
export const randomNumbers = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 - 0.5;
  };
};

const shapes = (): readonly (readonly [string, readonly number[]])[] => {
  const { width, innerWidth } = TINY;
  const dense = (name: string, inputs: number, outputs: number) =>
    [
      [`${name}.weight`, [outputs, inputs]],
      [`${name}.bias`, [outputs]],
    ] as const;
  const norm = (name: string) =>
    [
      [`${name}.weight`, [width]],
      [`${name}.bias`, [width]],
    ] as const;
  return [
    ["embeddings.word_embeddings.weight", [WORDS.length, width]],
    ["embeddings.position_embeddings.weight", [TINY.positions, width]],
    ["embeddings.token_type_embeddings.weight", [2, width]],
    ...norm("embeddings.LayerNorm"),
    ...Array.from({ length: TINY.layers }, (_, i) => `encoder.layer.${i}`).flatMap((layer) => [
      ...["query", "key", "value"].flatMap((part) => dense(`${layer}.attention.self.${part}`, width, width)),
      ...dense(`${layer}.attention.output.dense`, width, width),
      ...norm(`${layer}.attention.output.LayerNorm`),
      ...dense(`${layer}.intermediate.dense`, width, innerWidth),
      ...dense(`${layer}.output.dense`, innerWidth, width),
      ...norm(`${layer}.output.LayerNorm`),
    ]),
  ];
};

/** Large enough that attention, gelu and normalisation are far from linear. */
export const tinyWeights = (): readonly NamedValues[] => {
  const random = randomNumbers(7);
  return shapes().map(([name, shape]) => {
    const values = Float32Array.from({ length: shape.reduce((size, side) => size * side, 1) }, () =>
      Math.fround(name.endsWith("LayerNorm.weight") ? 1 + random() : 1.6 * random()),
    );
    return { name, shape, values };
  });
};

interface Files {
  readonly config?: object;
  readonly weights?: Uint8Array;
  readonly tokenizer?: object;
}

/** A folder with the model, for the time of a test; what is given stands in the place of what belongs there. */
export const tinyModelFolder = (files: Files = {}): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "tiny-model-"));
  onTestFinished(() => fs.rmSync(folder, { recursive: true }));
  writeTinyModel(folder, files);
  return folder;
};

export const writeTinyModel = (folder: string, files: Files = {}): void => {
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify(files.config ?? TINY_CONFIG));
  fs.writeFileSync(path.join(folder, "tokenizer.json"), JSON.stringify(files.tokenizer ?? TINY_TOKENIZER));
  fs.writeFileSync(path.join(folder, "model.safetensors"), files.weights ?? writeSafetensors(tinyWeights()));
};
