/** The tokens of a GGUF file, and what of its settings both kinds of tokenizer share. */
import type { GgufFields } from "./gguf-fields.ts";
import { MOST_IDS } from "./tokenizer-definition.ts";

/** `ggml.token_type`: the others are normal, unused or a byte. */
const UNKNOWN = 2;
const CONTROL = 3;
const USER_DEFINED = 4;

export interface GgufTokens {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly unk: number | undefined;
}

export const ggufTokens = (fields: GgufFields): GgufTokens => {
  const tokens = fields.needed("ggml.tokens", fields.texts("ggml.tokens"));
  const types = fields.numbers("ggml.token_type") ?? tokens.map(() => 1);
  if (tokens.length > MOST_IDS) throw fields.unusable("ggml.tokens", `has more than ${MOST_IDS} tokens`);
  if (types.length !== tokens.length)
    throw fields.unusable("ggml.token_type", "is not as long as tokenizer.ggml.tokens");
  if (new Set(tokens).size !== tokens.length) throw fields.unusable("ggml.tokens", "has a token twice");
  const id = (key: string) => tokenId(fields, key, tokens.length);
  return {
    tokens,
    types,
    bos: id("ggml.bos_token_id"),
    eos: id("ggml.eos_token_id"),
    unk: id("ggml.unknown_token_id"),
  };
};

export const tokenId = (fields: GgufFields, key: string, tokens: number): number | undefined => {
  const id = fields.count(key);
  if (id !== undefined && id >= tokens) throw fields.unusable(key, "is no token's id");
  return id;
};

export const addedTokens = ({ tokens, types }: GgufTokens): readonly object[] =>
  tokens.flatMap((content, id) => {
    const type = types[id]!;
    if (type !== CONTROL && type !== UNKNOWN && type !== USER_DEFINED) return [];
    return [{ id, content, special: type !== USER_DEFINED, normalized: false }];
  });

/** The vocabulary of the merges: added tokens are matched in the text before. */
export const mergeVocabulary = ({ tokens, types }: GgufTokens): Readonly<Record<string, number>> =>
  Object.fromEntries(
    tokens.flatMap((token, id) =>
      types[id] === CONTROL || types[id] === USER_DEFINED ? [] : [[token, id] as const],
    ),
  );

/** Adds the ends that the file asks for. */
export const endsTemplate = (
  fields: GgufFields,
  { tokens, bos, eos }: GgufTokens,
  addBosByDefault: boolean,
): object | null => {
  const before =
    (fields.flag("ggml.add_bos_token") ?? addBosByDefault) ? [fields.needed("ggml.bos_token_id", bos)] : [];
  const after = (fields.flag("ggml.add_eos_token") ?? false) ? [fields.needed("ggml.eos_token_id", eos)] : [];
  const ends = [...before, ...after];
  if (ends.length === 0) return null;
  const around = (sequence: "A" | "B", type_id: number) => {
    const special = (id: number) => ({ SpecialToken: { id: tokens[id], type_id } });
    return [...before.map(special), { Sequence: { id: sequence, type_id } }, ...after.map(special)];
  };
  return {
    type: "TemplateProcessing",
    single: around("A", 0),
    pair: [...around("A", 0), ...around("B", 1)],
    special_tokens: Object.fromEntries(
      ends.map((id) => [tokens[id]!, { id: tokens[id], ids: [id], tokens: [tokens[id]] }]),
    ),
  };
};
