/** GGUF's byte-level tokenizers (`gpt2`): the merges are in the file, how a text is parted before them goes by a name. */
import type { GgufFields } from "./gguf-fields.ts";
import { GGUF_PRE_TOKENIZERS } from "./gguf-pre-tokenizers.ts";
import { endsTemplate, type GgufTokens, mergeVocabulary } from "./gguf-tokens.ts";

export const byteLevelJson = (fields: GgufFields, tokens: GgufTokens): Readonly<Record<string, unknown>> => {
  const pre = GGUF_PRE_TOKENIZERS.get(fields.text("ggml.pre") ?? "default");
  if (pre === undefined)
    throw fields.unusable(
      "ggml.pre",
      `is none of ${[...GGUF_PRE_TOKENIZERS.keys()].join(", ")}`,
      "use the model's folder with its tokenizer.json",
    );
  return {
    model: {
      type: "BPE",
      vocab: mergeVocabulary(tokens),
      merges: fields.needed("ggml.merges", fields.texts("ggml.merges")),
      ignore_merges: pre.ignoreMerges,
    },
    normalizer: pre.normalizer,
    pre_tokenizer: pre.preTokenizer,
    post_processor: endsTemplate(fields, tokens, pre.addBos),
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  };
};
