/** How the columns of a row become one sequence: plain text, a prompt and its answer, or a conversation. */
import { InputError } from "@bulkhead/base";
import type { TextTokenizer } from "../tokenizer/text-tokenizer.ts";
import { type ChatRecipe, chatRow } from "./chat-row.ts";
import { columnText, type DataRow } from "./data-row.ts";
import { countedRows, type Part, type Reader, type TokenRow, tokenRow, type TokenRows } from "./token-row.ts";

/** `{column}` stands for the row's text of that column; `{{` and `}}` for braces. Special tokens in it, or in a row, are text. */
type ColumnTemplate = string;
/** Text of the contract's own: special tokens in it are recognised, columns are not. */
type FixedText = string;

export type RowRecipe =
  /** All of the text is learned, and that it ends. */
  | { readonly type: "text"; readonly text: ColumnTemplate }
  /**
   * The answer and the end are learned. The four parts are encoded apart, so that the answer's tokens do not depend on what
   * stands before; where they do not fit, `text` is cut.
   */
  | {
      readonly type: "answer";
      readonly prefix: FixedText;
      readonly text: ColumnTemplate;
      readonly suffix: FixedText;
      readonly answer: ColumnTemplate;
      /** Without it, the model's eos token. */
      readonly end?: FixedText;
    }
  | ChatRecipe;

const PLACES = /\{\{|\}\}|\{([^{}]*)\}/gu;

/** Throws an {@link InputError} that names row and column. Rows are numbered from 0 in what is given, from 1 in errors. */
export const rowsToTokens = (rows: readonly DataRow[], recipe: RowRecipe, reader: Reader): TokenRows =>
  countedRows(rows.map((row, i) => rowToTokens(row, i, recipe, reader)));

/** The columns that a recipe reads, each once; a conversation's may hold a list. */
export const recipeColumns = (recipe: RowRecipe): readonly string[] => {
  if (recipe.type === "chat") return [recipe.messages];
  const templates = recipe.type === "text" ? [recipe.text] : [recipe.text, recipe.answer];
  const found = templates.flatMap((template) => [...template.matchAll(PLACES)].map(([, column]) => column));
  return [...new Set(found.filter((column) => column !== undefined))];
};

const rowToTokens = (row: DataRow, index: number, recipe: RowRecipe, reader: Reader): TokenRow => {
  switch (recipe.type) {
    case "text":
      return textRow(row, index, recipe, reader);
    case "answer":
      return answerRow(row, index, recipe, reader);
    case "chat":
      return chatRow(row, index, recipe, reader);
  }
};

const textRow = (
  row: DataRow,
  index: number,
  { text }: Extract<RowRecipe, { type: "text" }>,
  { tokenizer, maxTokens }: Reader,
): TokenRow => {
  const { before } = tokenizer.ends;
  const parts: readonly Part[] = [
    { ids: Int32Array.from(before), learned: false },
    { ids: tokenizer.encode(filled(text, row, index)), learned: true },
    { ids: endOf(tokenizer, undefined), learned: true },
  ];
  return tokenRow(index, parts, maxTokens);
};

const answerRow = (
  row: DataRow,
  index: number,
  recipe: Extract<RowRecipe, { type: "answer" }>,
  { tokenizer, maxTokens }: Reader,
): TokenRow => {
  const own = (text: string): Part => ({ ids: tokenizer.encode(text, { special: true }), learned: false });
  const prefix = own(recipe.prefix);
  const suffix = own(recipe.suffix);
  const answer = { ids: tokenizer.encode(filled(recipe.answer, row, index)), learned: true };
  const end = { ids: endOf(tokenizer, recipe.end), learned: true };
  const text = tokenizer.encode(filled(recipe.text, row, index));
  const taken = [prefix, suffix, answer, end].reduce((sum, { ids }) => sum + ids.length, 0);
  const kept = Math.min(text.length, Math.max(0, maxTokens - taken));
  const parts = [prefix, { ids: text.slice(0, kept), learned: false }, suffix, answer, end];
  return tokenRow(index, parts, maxTokens, text.length - kept);
};

const endOf = (tokenizer: TextTokenizer, end: string | undefined): Int32Array => {
  if (end !== undefined) return tokenizer.encode(end, { special: true });
  if (tokenizer.eos !== undefined) return Int32Array.of(tokenizer.eos);
  throw new InputError({
    code: "row-recipe",
    place: tokenizer.place,
    problem: "it names no token that ends a text",
    cure: "name the end in the recipe",
  });
};

const filled = (template: ColumnTemplate, row: DataRow, index: number): string =>
  template.replaceAll(PLACES, (match, column: string | undefined) =>
    column === undefined ? match[0]! : columnText(row, column, index),
  );
