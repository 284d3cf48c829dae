/** A tokenizer as `tokenizer.json` describes one, checked; what this code does not do as the reference does is refused by name. */
import {
  boolean,
  InputError,
  integer,
  listOf,
  literal,
  oneOf,
  optional,
  type Shape,
  ShapeError,
  text,
} from "@bulkhead/base";

type Json = Readonly<Record<string, unknown>>;

/** A normalizer, pre-tokenizer, post-processor or decoder: its type, and fields that depend on it. */
export interface Part extends Json {
  readonly type: string;
}

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  readonly single_word: boolean;
  readonly normalized: boolean;
}

export interface TokenizerModel extends Part {
  readonly type: "BPE" | "WordPiece";
  readonly vocab: Readonly<Record<string, number>>;
  readonly unk_token: string | undefined;
}

export interface TokenizerDefinition {
  readonly model: TokenizerModel;
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: Part | undefined;
  readonly preTokenizer: Part | undefined;
  readonly postProcessor: Part | undefined;
  readonly decoder: Part | undefined;
}

/** What a source says beyond the tokenizer itself. */
export interface DescribedTokenizer {
  readonly place: string;
  readonly definition: TokenizerDefinition;
  readonly bos: number | undefined;
  readonly eos: number | undefined;
  readonly pad: number | undefined;
  readonly unk: number | undefined;
  readonly chatTemplate: string | undefined;
}

/** Ids index tables; the largest vocabularies in use have a quarter of this. */
export const MOST_IDS = 1 << 20;
const MOST_MERGES = 1 << 21;
const LONGEST_TOKEN = 1 << 12;

/** The library's ids equal the reference's for these (`test/interop/tokenizer_vectors.py`), and for no others that we know of. */
const KINDS = {
  normalizer: ["BertNormalizer", "NFC", "Prepend", "Replace", "Sequence"],
  pre_tokenizer: ["BertPreTokenizer", "ByteLevel", "Digits", "Metaspace", "Sequence", "Split"],
  post_processor: ["BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing"],
  decoder: ["ByteFallback", "ByteLevel", "Fuse", "Replace", "Sequence", "Strip", "WordPiece"],
} as const;

type PartName = keyof typeof KINDS;

const INNER = {
  normalizer: "normalizers",
  pre_tokenizer: "pretokenizers",
  post_processor: "processors",
  decoder: "decoders",
} as const;

/** Throws an {@link InputError} that names `place`. */
export const checkedDefinition = (place: string, json: Json): TokenizerDefinition => {
  try {
    return {
      model: model(json["model"]),
      addedTokens:
        optional(listOf(addedToken, MOST_IDS))(json["added_tokens"] ?? undefined, "added_tokens") ?? [],
      normalizer: part("normalizer", json["normalizer"]),
      preTokenizer: part("pre_tokenizer", json["pre_tokenizer"]),
      postProcessor: part("post_processor", json["post_processor"]),
      decoder: part("decoder", json["decoder"]),
    };
  } catch (error) {
    if (error instanceof ShapeError) throw unusableTokenizer(place, error.message);
    throw error;
  }
};

export const unusableTokenizer = (place: string, reason: string): InputError =>
  new InputError({
    code: "model-unusable",
    place,
    problem: `the tokenizer cannot be built: ${reason}`,
    cure: "use a model whose tokenizer is a byte-level BPE, a SentencePiece BPE or a BERT WordPiece",
  });

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const object = (value: unknown, path: string): Json => {
  if (!isObject(value)) throw new ShapeError(path, "an object");
  return value;
};

const tokenText = text(LONGEST_TOKEN);
const tokenId = integer(0, MOST_IDS - 1);

const addedToken: Shape<AddedToken> = (value, path = "") => {
  const token = object(value, path);
  const flag = (name: string, otherwise: boolean) =>
    optional(boolean)(token[name] ?? undefined, `${path}.${name}`) ?? otherwise;
  const special = flag("special", false);
  if (flag("single_word", false)) throw new ShapeError(`${path}.single_word`, "false");
  const content = tokenText(token["content"], `${path}.content`);
  if (content === "") throw new ShapeError(`${path}.content`, "text");
  return {
    id: tokenId(token["id"], `${path}.id`),
    content,
    special,
    lstrip: flag("lstrip", false),
    rstrip: flag("rstrip", false),
    single_word: false,
    normalized: flag("normalized", !special),
  };
};

const model = (value: unknown): TokenizerModel => {
  const json = object(value, "model");
  const type = oneOf("BPE", "WordPiece")(json["type"] ?? guessedType(json), "model.type");
  const vocab = object(json["vocab"], "model.vocab");
  const entries = Object.entries(vocab);
  if (entries.length > MOST_IDS) throw new ShapeError("model.vocab", `at most ${MOST_IDS} tokens`);
  const checked = entries.map(
    ([token, id]) => [tokenText(token, "model.vocab"), tokenId(id, "model.vocab")] as const,
  );
  if (type === "BPE") checkBpe(json);
  const unk = optional(tokenText)(json["unk_token"] ?? undefined, "model.unk_token");
  return { ...json, type, vocab: Object.fromEntries(checked), unk_token: unk };
};

/** Files of before 2022 name no type. */
const guessedType = (json: Json): string | undefined => ("merges" in json ? "BPE" : undefined);

/** Dropout is for training tokenizers; a suffix or prefix of pieces belongs to families that nothing here has. */
const checkBpe = (json: Json): void => {
  for (const name of ["dropout", "continuing_subword_prefix", "end_of_word_suffix"])
    if ((json[name] ?? "") !== "" && json[name] !== 0) throw new ShapeError(`model.${name}`, "nothing");
  const merges = listOf<unknown>((merge) => merge, MOST_MERGES)(json["merges"], "model.merges");
  if (!merges.every((merge) => isMerge(merge))) throw new ShapeError("model.merges", "pairs of tokens");
};

const isMerge = (merge: unknown): boolean =>
  typeof merge === "string"
    ? /^[^ ]+ [^ ]+$/u.test(merge)
    : Array.isArray(merge) && merge.length === 2 && merge.every((half) => typeof half === "string");

const part = (name: PartName, value: unknown, path: string = name): Part | undefined => {
  if (value === null || value === undefined) return undefined;
  const json = object(value, path);
  const type = oneOf(...KINDS[name])(json["type"], `${path}.type`);
  checkFields(type, json, path);
  const inner = INNER[name];
  if (type !== "Sequence") return { ...json, type };
  const parts = listOf<unknown>((entry) => entry, 16)(json[inner], `${path}.${inner}`);
  return { ...json, type, [inner]: parts.map((entry, i) => part(name, entry, `${path}.${inner}.${i}`)) };
};

const checkFields = (type: string, json: Json, path: string): void => {
  if (type === "Split") literal("Isolated")(json["behavior"], `${path}.behavior`);
  if (type === "Metaspace") {
    literal("first")(json["prepend_scheme"], `${path}.prepend_scheme`);
    if (json["split"] !== false) throw new ShapeError(`${path}.split`, "false");
  }
  if (type === "Split" || type === "Replace") checkPattern(json["pattern"], `${path}.pattern`);
  if (type === "Replace") tokenText(json["content"], `${path}.content`);
  if (type === "Prepend") tokenText(json["prepend"], `${path}.prepend`);
};

const checkPattern = (value: unknown, path: string): void => {
  const pattern = object(value, path);
  tokenText(pattern["Regex"] ?? pattern["String"], path);
};
