/** The tokenizer that a GGUF file's key-value pairs describe, put as the model's own `tokenizer.json` would put it. */
import { type GgufFields, ggufFields, type GgufMetadata } from "./gguf-fields.ts";
import { byteLevelJson } from "./gguf-byte-level.ts";
import { sentencePieceJson } from "./gguf-sentence-piece.ts";
import { addedTokens, type GgufTokens, ggufTokens, tokenId } from "./gguf-tokens.ts";
import { checkedDefinition, type DescribedTokenizer } from "./tokenizer-definition.ts";

const BUILDERS: ReadonlyMap<
  string,
  (fields: GgufFields, tokens: GgufTokens) => Readonly<Record<string, unknown>>
> = new Map([
  ["gpt2", byteLevelJson],
  ["llama", sentencePieceJson],
]);

/** Throws an {@link InputError} that names the key at fault. */
export const ggufTokenizer = (place: string, metadata: GgufMetadata): DescribedTokenizer => {
  const fields = ggufFields(place, metadata);
  const name = fields.needed("ggml.model", fields.text("ggml.model"));
  const builder = BUILDERS.get(name);
  if (builder === undefined)
    throw fields.unusable(
      "ggml.model",
      `is none of ${[...BUILDERS.keys()].join(", ")}`,
      "use the model's folder with its tokenizer.json",
    );
  const tokens = ggufTokens(fields);
  const json = builder(fields, tokens);
  return {
    place,
    definition: checkedDefinition(place, { ...json, added_tokens: addedTokens(tokens) }),
    ...pick(fields, tokens),
  };
};

const pick = (fields: GgufFields, { tokens, bos, eos, unk }: GgufTokens) => ({
  bos,
  eos,
  unk,
  pad: tokenId(fields, "ggml.padding_token_id", tokens.length),
  chatTemplate: fields.text("chat_template"),
});
