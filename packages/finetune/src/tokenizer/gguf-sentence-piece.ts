/** GGUF's SentencePiece tokenizers (`llama`): the file has a score for each piece, from which the order of merges follows. */
import type { GgufFields } from "./gguf-fields.ts";
import { endsTemplate, type GgufTokens, mergeVocabulary } from "./gguf-tokens.ts";

/** Normal pieces are merged; all others stand for themselves. */
const NORMAL = 1;
const LONGEST_PIECE = 256;

export const sentencePieceJson = (
  fields: GgufFields,
  tokens: GgufTokens,
): Readonly<Record<string, unknown>> => {
  const scores = fields.needed("ggml.scores", fields.numbers("ggml.scores"));
  if (scores.length !== tokens.tokens.length)
    throw fields.unusable("ggml.scores", "is not as long as tokenizer.ggml.tokens");
  if (fields.flag("ggml.remove_extra_whitespaces") === true)
    throw fields.unusable("ggml.remove_extra_whitespaces", "is true, which is not supported");
  const prefix = fields.flag("ggml.add_space_prefix") ?? true;
  const unk = fields.needed("ggml.unknown_token_id", tokens.unk);
  return {
    model: {
      type: "BPE",
      vocab: mergeVocabulary(tokens),
      merges: mergesByScore(fields, tokens, scores),
      byte_fallback: true,
      fuse_unk: true,
      unk_token: tokens.tokens[unk],
    },
    normalizer: {
      type: "Sequence",
      normalizers: [
        ...(prefix ? [{ type: "Prepend", prepend: "\u2581" }] : []),
        { type: "Replace", pattern: { String: " " }, content: "\u2581" },
      ],
    },
    post_processor: endsTemplate(fields, tokens, true),
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "\u2581" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        ...(prefix ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
      ],
    },
  };
};

/**
 * SentencePiece joins the two neighbours whose piece has the highest score; so every way to put a piece together from two
 * others is a merge, and merges stand in the order of their pieces' scores.
 */
const mergesByScore = (
  fields: GgufFields,
  { tokens, types }: GgufTokens,
  scores: readonly number[],
): readonly (readonly [string, string])[] => {
  const normal = new Set(tokens.filter((_, id) => types[id] === NORMAL));
  const ids = tokens.flatMap((_, id) => (types[id] === NORMAL ? [id] : []));
  ids.sort((a, b) => scores[b]! - scores[a]! || a - b);
  return ids.flatMap((id) => {
    const piece = Array.from(tokens[id]!);
    if (piece.length > LONGEST_PIECE)
      throw fields.unusable("ggml.tokens", `has a piece of more than ${LONGEST_PIECE} characters`);
    return piece.slice(1).flatMap((_, i) => {
      const halves = [piece.slice(0, i + 1).join(""), piece.slice(i + 1).join("")] as const;
      return halves.every((half) => normal.has(half)) ? [halves] : [];
    });
  });
};
