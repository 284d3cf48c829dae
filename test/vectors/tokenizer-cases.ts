/** What Python's tokenizers 0.23.3 and sentencepiece 0.2.3 make of difficult texts; `test/interop/tokenizer_vectors.py` wrote the files. */
import fs from "node:fs";
import path from "node:path";

/** `special` and `decoded` are null where they equal `plain` and the text. */
export interface TokenizerCases {
  readonly name: string;
  readonly plain: readonly (readonly number[])[];
  readonly special: readonly (readonly number[] | null)[];
  readonly decoded: readonly (string | null)[];
  readonly framed: readonly number[];
}

interface SharedModel {
  readonly vocab: Readonly<Record<string, number>>;
  readonly merges: readonly string[];
}

interface CasesFile {
  readonly texts: readonly string[];
  readonly shared: {
    readonly bytes: SharedModel;
    readonly pieces: SharedModel & { readonly scores: readonly number[]; readonly types: readonly number[] };
  };
  readonly tokenizers: Readonly<
    Record<
      string,
      object & {
        readonly model: object & {
          readonly shared?: "bytes" | "pieces";
          readonly without?: readonly string[];
        };
        readonly added_tokens: readonly {
          readonly id: number;
          readonly content: string;
          readonly special: boolean;
        }[];
      }
    >
  >;
  readonly cases: readonly TokenizerCases[];
  readonly sentencepiece: { readonly texts: readonly number[]; readonly ids: readonly (readonly number[])[] };
}

const read = (name: string) => JSON.parse(fs.readFileSync(path.join(import.meta.dirname, name), "utf8"));

export const TOKENIZER_CASES: CasesFile = read("tokenizer-cases.json");

export const SMOLLM2_TOKENS: TokenizerCases & { readonly texts: readonly string[] } =
  read("smollm2-tokens.json");

/** The model that several tokenizers share, less the tokens that one of them does without. */
const sharedModel = (shared: "bytes" | "pieces", without: readonly string[] = []): SharedModel => {
  const { vocab, merges } = TOKENIZER_CASES.shared[shared];
  const kept = (token: string) => !without.some((character) => token.includes(character));
  return {
    vocab: Object.fromEntries(Object.entries(vocab).filter(([token]) => kept(token))),
    merges: merges.filter(kept),
  };
};

/** A whole tokenizer.json. */
export const tokenizerJson = (name: string) => {
  const json = TOKENIZER_CASES.tokenizers[name]!;
  const { shared, without, ...model } = json.model;
  return shared === undefined ? json : { ...json, model: { ...model, ...sharedModel(shared, without) } };
};

/** The same tokenizer as a GGUF file describes it. */
export const byteLevelMetadata = (name: string): Map<string, unknown> => {
  const { added_tokens: added, model } = TOKENIZER_CASES.tokenizers[name]!;
  const { vocab, merges } = sharedModel("bytes", model.without);
  const tokens: string[] = [];
  const types: number[] = [];
  for (const [token, id] of Object.entries(vocab)) [tokens[id], types[id]] = [token, 1];
  for (const { id, content, special } of added) [tokens[id], types[id]] = [content, special ? 3 : 4];
  return new Map<string, unknown>([
    ["tokenizer.ggml.model", "gpt2"],
    ["tokenizer.ggml.pre", name],
    ["tokenizer.ggml.tokens", Array.from(tokens, (token, id) => token ?? `[unused ${id}]`)],
    ["tokenizer.ggml.token_type", Int32Array.from({ length: tokens.length }, (_, id) => types[id] ?? 5)],
    ["tokenizer.ggml.merges", merges],
    ["tokenizer.ggml.bos_token_id", 0],
    ["tokenizer.ggml.eos_token_id", 2],
  ]);
};

export const sentencePieceMetadata = (): Map<string, unknown> => {
  const { vocab, scores, types } = TOKENIZER_CASES.shared.pieces;
  return new Map<string, unknown>([
    ["tokenizer.ggml.model", "llama"],
    ["tokenizer.ggml.tokens", Object.keys(vocab).sort((a, b) => vocab[a]! - vocab[b]!)],
    ["tokenizer.ggml.scores", Float32Array.from(scores)],
    ["tokenizer.ggml.token_type", Int32Array.from(types)],
    ["tokenizer.ggml.unknown_token_id", 0],
    ["tokenizer.ggml.bos_token_id", 1],
    ["tokenizer.ggml.eos_token_id", 2],
  ]);
};
