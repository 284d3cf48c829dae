/** A GGUF file's tokenizer as the files of a folder in Hugging Face layout, which other programs read too. */
import type { GgufMetadata } from "./gguf-fields.ts";
import { ggufTokenizer } from "./gguf-tokenizer.ts";
import type { AddedToken, DescribedTokenizer, TokenizerDefinition } from "./tokenizer-definition.ts";

export interface TokenizerFiles {
  readonly "tokenizer.json": Readonly<Record<string, unknown>>;
  readonly "tokenizer_config.json": Readonly<Record<string, unknown>>;
}

/** `longest` is how many tokens the model takes. Throws an {@link InputError} that names the key at fault. */
export const tokenizerFiles = (place: string, metadata: GgufMetadata, longest: number): TokenizerFiles => {
  const described = ggufTokenizer(place, metadata);
  const { definition } = described;
  return {
    "tokenizer.json": {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: definition.addedTokens.map(addedJson),
      normalizer: definition.normalizer ?? null,
      pre_tokenizer: definition.preTokenizer ?? null,
      post_processor: definition.postProcessor ?? null,
      decoder: definition.decoder ?? null,
      model: modelJson(definition),
    },
    "tokenizer_config.json": {
      tokenizer_class: "PreTrainedTokenizerFast",
      clean_up_tokenization_spaces: false,
      model_max_length: longest,
      ...spelledTokens(described),
      ...(described.chatTemplate === undefined ? {} : { chat_template: described.chatTemplate }),
    },
  };
};

/** In the order of the reference's own files. */
const addedJson = ({ id, content, single_word, lstrip, rstrip, normalized, special }: AddedToken) => ({
  id,
  content,
  single_word,
  lstrip,
  rstrip,
  normalized,
  special,
});

/** Added tokens are in the vocabulary too: the reference takes their ids from there, and numbers others anew. */
const modelJson = ({ model, addedTokens }: TokenizerDefinition) => ({
  dropout: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ...model,
  unk_token: model.unk_token ?? null,
  vocab: Object.fromEntries(
    [...Object.entries(model.vocab), ...addedTokens.map(({ content, id }) => [content, id] as const)].sort(
      ([, a], [, b]) => a - b,
    ),
  ),
});

const spelledTokens = ({ definition, bos, eos, pad, unk }: DescribedTokenizer) => {
  const spelling = new Map(Object.entries(definition.model.vocab).map(([token, id]) => [id, token]));
  for (const { id, content } of definition.addedTokens) spelling.set(id, content);
  const ids = { bos_token: bos, eos_token: eos, pad_token: pad, unk_token: unk };
  return Object.fromEntries(
    Object.entries(ids).flatMap(([name, id]) =>
      id === undefined ? [] : [[name, spelling.get(id)] as const],
    ),
  );
};
