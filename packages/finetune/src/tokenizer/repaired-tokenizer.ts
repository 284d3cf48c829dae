/**
 * The tokenizers library, put right where its ids or texts differ from the reference implementation's (Python `tokenizers`
 * 0.23); every repair has its vector in `test/vectors/tokenizer-cases.json`.
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { type Part, type TokenizerDefinition, unusableTokenizer } from "./tokenizer-definition.ts";

/** What this code uses of the library's tokenizer. */
export interface RepairedTokenizer {
  /** With the tokens of the post-processor around it unless `add_special_tokens` is false. */
  readonly encode: (
    text: string,
    options?: { readonly add_special_tokens: boolean },
  ) => { readonly ids: readonly number[] };
  readonly pre_tokenizer: BuiltPart | null;
  readonly post_processor: PostProcessor | null;
  readonly decoder: (BuiltPart & { readonly decode: (tokens: readonly string[]) => string }) | null;
}

interface PostProcessor {
  readonly post_process: (
    tokens: readonly string[],
    pair: null,
    addSpecialTokens: boolean,
  ) => { readonly tokens: readonly string[] };
}

/** A part as the library has built it; a sequence holds others under a name of its own. */
interface BuiltPart {
  readonly config?: Readonly<Record<string, unknown>>;
}

type Decode = (tokens: readonly string[]) => readonly string[];
type Normalize = (text: string) => string;
interface BuiltBertNormalizer extends BuiltPart {
  normalize: Normalize;
  tokenize_chinese_chars: Normalize;
}
interface BuiltBpe {
  readonly config: { readonly type: string };
  readonly unk_token?: string | null;
  readonly byte_fallback: boolean;
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  bpe: (token: string) => readonly string[];
}
interface BuiltTokenizer extends RepairedTokenizer {
  readonly normalizer: BuiltPart | null;
  readonly model: BuiltBpe;
}

/** Throws an {@link InputError} where the library cannot build it. */
export const repairedTokenizer = (place: string, definition: TokenizerDefinition): RepairedTokenizer => {
  const tokenizer = construct(place, definition);
  for (const normalizer of partsOfType<BuiltBertNormalizer>(tokenizer.normalizer, "BertNormalizer"))
    repairBertNormalizer(normalizer);
  for (const splitter of partsOfType<{ pattern: RegExp }>(tokenizer.pre_tokenizer, "ByteLevel"))
    splitter.pattern = GPT2_PATTERN;
  for (const decoder of partsOfType<{ decode_chain: Decode }>(tokenizer.decoder, "ByteFallback"))
    decoder.decode_chain = decodeByteTokens;
  if (definition.model.type === "BPE") repairBpe(tokenizer.model);
  return tokenizer;
};

/** Whether the text that comes is the first section of one: some tokenizers put a space in front of that alone. */
export const setPrefixSpace = (tokenizer: RepairedTokenizer, scheme: "first" | "never"): void => {
  for (const part of leaves(tokenizer.pre_tokenizer))
    if ("prepend_scheme" in part) Object.assign(part, { prepend_scheme: scheme });
};

/** The built parts of one type. The type says what the library's object is. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- what the type says, in the language
const partsOfType = <T>(part: BuiltPart | null, type: string): readonly T[] =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the library builds one class per type
  leaves(part).filter(({ config }) => config?.["type"] === type) as readonly unknown[] as readonly T[];

/** The part itself, or those that a sequence holds. */
const leaves = (part: BuiltPart | null): readonly BuiltPart[] => {
  if (part === null) return [];
  const inner = ["normalizers", "tokenizers", "decoders"]
    .map((name): unknown => Reflect.get(part, name))
    .find((list) => Array.isArray(list));
  return Array.isArray(inner) ? inner.flatMap((entry: BuiltPart) => leaves(entry)) : [part];
};

const construct = (place: string, definition: TokenizerDefinition): BuiltTokenizer => {
  const { model, addedTokens, normalizer, preTokenizer, postProcessor, decoder } = definition;
  const json = {
    model: { ...model, unk_token: model.unk_token ?? null },
    added_tokens: addedTokens,
    normalizer: mapped(normalizer, rewrittenNormalizer),
    pre_tokenizer: mapped(preTokenizer, rewrittenPreTokenizer),
    post_processor: postProcessor ?? null,
    decoder: mapped(decoder, rewrittenNormalizer),
    truncation: null,
    padding: null,
  };
  try {
    return new Tokenizer(json, { clean_up_tokenization_spaces: false });
  } catch (error) {
    throw unusableTokenizer(place, error instanceof Error ? error.message : String(error));
  }
};

/** Applies `rewrite` to a part, or to each of a sequence. */
const mapped = (part: Part | undefined, rewrite: (part: Part) => Part): Part | null => {
  if (part === undefined) return null;
  if (part.type !== "Sequence") return rewrite(part);
  const lists = Object.entries(part).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map((entry: Part) => mapped(entry, rewrite)) : value,
  ]);
  return { ...part, ...Object.fromEntries(lists) };
};

/** The library hands the new text to `replaceAll`, where a dollar sign means something else. */
const rewrittenNormalizer = (part: Part): Part =>
  part.type === "Replace" ? { ...part, content: String(part["content"]).replaceAll("$", "$$$$") } : part;

const rewrittenPreTokenizer = (part: Part): Part => {
  switch (part.type) {
    case "Digits":
      return numbersApart(part["individual_digits"] === true);
    case "Split":
      // Matches and what lies between them are kept alike: the library keeps matches alone where `invert` stands.
      return { ...part, invert: false, pattern: rewrittenPattern(part["pattern"]) };
    default:
      return part;
  }
};

/** The reference parts every character that Unicode counts as a number, the library only decimal digits. */
const numbersApart = (individually: boolean): Part => ({
  type: "Split",
  pattern: { Regex: individually ? "\\p{N}" : "\\p{N}+" },
  behavior: "Isolated",
  invert: false,
});

/** Without regard to case, the long s is an s; the library knows only the case of ASCII. */
const rewrittenPattern = (pattern: unknown): unknown => {
  const regex: unknown = Reflect.get(Object(pattern), "Regex");
  return typeof regex === "string" ? { Regex: regex.replaceAll("(?i:'s|", "(?i:'s|'\\u017F|") } : pattern;
};

/** GPT-2's, where white space is Unicode's: JavaScript's own has U+FEFF besides and lacks U+0085. */
const GPT2_PATTERN =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Characters without a token are left out before the merges, so that their neighbours meet; the library leaves them out after. */
const repairBpe = (model: BuiltBpe): void => {
  if (model.unk_token !== undefined && model.unk_token !== null) return;
  if (model.byte_fallback) return;
  const { bpe } = model;
  model.bpe = (token) =>
    bpe.call(
      model,
      Array.from(token)
        .filter((character) => model.tokens_to_ids.has(character))
        .join(""),
    );
};

/** Ideographs beyond the basic plane are words too, and a capital sigma is lowered alike wherever in a word it stands. */
const repairBertNormalizer = (normalizer: BuiltBertNormalizer): void => {
  const { normalize, config } = normalizer;
  normalizer.tokenize_chinese_chars = (text) => text.replaceAll(IDEOGRAPH, " $& ");
  normalizer.normalize = (text) =>
    normalize.call(normalizer, config?.["lowercase"] === true ? text.replaceAll("\u03a3", "\u03c3") : text);
};

const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;

/** Bytes that are no UTF-8 become one replacement character each, and a byte order mark stays. */
const decodeByteTokens = (tokens: readonly string[]): string[] => {
  const texts: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) texts.push(textOfBytes(Uint8Array.from(bytes)));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = /^<0x([0-9A-F]{2})>$/iu.exec(token)?.[1];
    if (byte !== undefined) bytes.push(Number.parseInt(byte, 16));
    else {
      flush();
      texts.push(token);
    }
  }
  flush();
  return texts;
};

const textOfBytes = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return "\ufffd".repeat(bytes.length);
  }
};
