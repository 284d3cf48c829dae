/**
 * A language model's tokenizer. Special tokens in a text are text unless the caller says that the text is its own: otherwise a
 * row of data could end its own turn and speak as somebody else.
 */
import { byteLevelDecoder } from "./byte-level.ts";
import type { GgufMetadata } from "./gguf-fields.ts";
import { ggufTokenizer } from "./gguf-tokenizer.ts";
import { type RepairedTokenizer, repairedTokenizer, setPrefixSpace } from "./repaired-tokenizer.ts";
import { type SpecialTokens, specialTokens, splitAtSpecials } from "./special-tokens.ts";
import {
  type DescribedTokenizer,
  type Part,
  type TokenizerDefinition,
  unusableTokenizer,
} from "./tokenizer-definition.ts";
import { folderTokenizer } from "./tokenizer-folder.ts";

export type TokenizerSource =
  /** A folder in Hugging Face layout: `tokenizer.json`, and where it is there `tokenizer_config.json`. */
  | { readonly type: "folder"; readonly folder: string }
  /** The key-value pairs of a GGUF file; `place` names the file in errors. */
  | { readonly type: "gguf"; readonly place: string; readonly metadata: GgufMetadata };

export interface EncodeOptions {
  /** Whether special tokens written in the text are recognised. */
  readonly special: boolean;
  /** Applied to what stands between special tokens, before it is encoded. */
  readonly restore?: (text: string) => string;
}

export interface TextTokenizer {
  /** Where it was read, for errors. */
  readonly place: string;
  /**
   * Ids of the text alone, nothing added at its ends. Special tokens written in it are recognised only with `special`: set
   * it for text of the model's provider or of the contract, never for data. Lone surrogates become U+FFFD.
   */
  readonly encode: (text: string, options?: EncodeOptions) => Int32Array;
  /** The text of the ids, special tokens as they are written. Ids that have no token give nothing. */
  readonly decode: (ids: Iterable<number>) => string;
  /** All ids are below it; the model's embedding may have more rows. */
  readonly vocabulary: number;
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly pad: number | undefined;
  readonly unk: number | undefined;
  /** The id of a special token by how it is written, such as `<|im_end|>`. */
  readonly specialId: (name: string) => number | undefined;
  readonly specials: SpecialTokens;
  /** What the model's own tokenizer puts around a text. */
  readonly ends: { readonly before: readonly number[]; readonly after: readonly number[] };
  /** The model's chat template, unchecked: for `openChatTemplate`. */
  readonly chatTemplate: string | undefined;
}

/** Throws an {@link InputError} where the source is no tokenizer, or one that would not give the reference's ids. */
export const openTextTokenizer = async (source: TokenizerSource): Promise<TextTokenizer> =>
  textTokenizer(
    source.type === "gguf"
      ? ggufTokenizer(source.place, source.metadata)
      : await folderTokenizer(source.folder),
  );

const textTokenizer = ({ definition, ...described }: DescribedTokenizer): TextTokenizer => {
  const specials = definition.addedTokens.filter(({ special }) => special);
  const bySpelling = specialTokens(specials);
  const ids = new Map(specials.map(({ content, id }) => [content, id]));
  const tokens = tokensById(definition);
  const plain = repairedTokenizer(described.place, withoutSpecials(definition));
  return {
    ...described,
    encode: (text, options = { special: false }) => encode(plain, wellFormed(text), bySpelling, options),
    decode: decoder(plain, definition, tokens),
    vocabulary: tokens.length,
    specialId: (name) => ids.get(name),
    specials: bySpelling,
    ends: endsOf(described.place, definition, plain),
  };
};

const wellFormed = (text: string): string => text.replaceAll(/\p{Surrogate}/gu, "\ufffd");

/** The tokenizer that data meets has no special tokens at all, so that no spelling and no merge leads to one. */
const withoutSpecials = (definition: TokenizerDefinition): TokenizerDefinition => {
  const { model, addedTokens } = definition;
  const special = new Set(addedTokens.flatMap((token) => (token.special ? [token.content] : [])));
  if (model.unk_token !== undefined) special.delete(model.unk_token);
  const vocab = Object.fromEntries(Object.entries(model.vocab).filter(([token]) => !special.has(token)));
  return {
    ...definition,
    model: { ...model, vocab },
    addedTokens: addedTokens.filter((token) => !token.special),
  };
};

const encode = (
  plain: RepairedTokenizer,
  text: string,
  specials: SpecialTokens,
  { special, restore = (same) => same }: EncodeOptions,
): Int32Array => {
  const sections = special ? splitAtSpecials(text, specials) : [{ type: "text", text } as const];
  const ids = sections.flatMap((section, i) => {
    if (section.type === "special") return [section.token.id];
    setPrefixSpace(plain, i === 0 ? "first" : "never");
    return plain.encode(restore(section.text), { add_special_tokens: false }).ids;
  });
  return Int32Array.from(ids);
};

const tokensById = ({ model, addedTokens }: TokenizerDefinition): readonly (string | undefined)[] => {
  const tokens: (string | undefined)[] = [];
  const set = (id: number, token: string) => {
    while (tokens.length <= id) tokens.push(undefined);
    tokens[id] = token;
  };
  for (const [token, id] of Object.entries(model.vocab)) set(id, token);
  for (const { id, content } of addedTokens) set(id, content);
  return tokens;
};

const decoder = (
  plain: RepairedTokenizer,
  { decoder: part, addedTokens }: TokenizerDefinition,
  tokens: readonly (string | undefined)[],
): ((ids: Iterable<number>) => string) => {
  if (isByteLevel(part)) return byteLevelDecoder(tokens, new Set(addedTokens.map(({ id }) => id)));
  return (ids) => {
    const known = Array.from(ids, (id) => tokens[id]).filter((token) => token !== undefined);
    return plain.decoder?.decode(known) ?? known.join(" ");
  };
};

const isByteLevel = (part: Part | undefined): boolean => {
  if (part?.type !== "Sequence") return part?.type === "ByteLevel";
  const inner = part["decoders"];
  return Array.isArray(inner) && inner.every((entry: Part) => isByteLevel(entry));
};

/** Has the post-processor say where it puts a text. */
const endsOf = (
  place: string,
  definition: TokenizerDefinition,
  plain: RepairedTokenizer,
): TextTokenizer["ends"] => {
  const text = "\0";
  const tokens = plain.post_processor?.post_process([text], null, true).tokens ?? [text];
  const idOf = (token: string): number => {
    const id =
      definition.addedTokens.find(({ content }) => content === token)?.id ?? definition.model.vocab[token];
    if (id === undefined)
      throw unusableTokenizer(place, "its post_processor names a token that it does not have");
    return id;
  };
  const at = tokens.indexOf(text);
  if (at < 0) throw unusableTokenizer(place, "its post_processor leaves the text out");
  return { before: tokens.slice(0, at).map(idOf), after: tokens.slice(at + 1).map(idOf) };
};
