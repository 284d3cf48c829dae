/** A row of data as a language model reads it: token ids, and which of them it is to learn to say. */

import type { ChatTemplate } from "../tokenizer/chat-template.ts";
import type { TextTokenizer } from "../tokenizer/text-tokenizer.ts";

/** What rows are read with. */
export interface Reader {
  readonly tokenizer: TextTokenizer;
  /** Needed for conversations. */
  readonly chat?: ChatTemplate;
  readonly maxTokens: number;
}

export interface TokenRow {
  /** The row's place among the site's rows. */
  readonly row: number;
  readonly ids: Int32Array;
  /** 1 where the token is learned, that is, where predicting it from what stands before counts as loss. The first never is. */
  readonly learn: Uint8Array;
  /** How many tokens did not fit. */
  readonly cut: number;
}

/** What was lost in making rows fit, for a person to judge whether the longest length is well chosen. */
export interface CutReport {
  readonly rows: number;
  readonly rowsCut: number;
  readonly tokensCut: number;
  /** Rows of which nothing was left to learn; they are left out. */
  readonly rowsLeftOut: readonly number[];
  readonly tokens: number;
  readonly tokensLearned: number;
  readonly longest: number;
}

export interface TokenRows {
  readonly rows: readonly TokenRow[];
  readonly report: CutReport;
}

export interface Part {
  readonly ids: Int32Array;
  readonly learned: boolean;
}

/** Joins parts and cuts the end to fit. `cut` tokens are lost already. */
export const tokenRow = (row: number, parts: readonly Part[], most: number, cut = 0): TokenRow => {
  const length = parts.reduce((sum, { ids }) => sum + ids.length, 0);
  const joined = { ids: new Int32Array(length), learn: new Uint8Array(length) };
  let at = 0;
  for (const { ids, learned } of parts) {
    joined.ids.set(ids, at);
    if (learned) joined.learn.fill(1, at, at + ids.length);
    at += ids.length;
  }
  joined.learn.fill(0, 0, 1);
  const kept = Math.min(length, most);
  return {
    row,
    ids: joined.ids.slice(0, kept),
    learn: joined.learn.slice(0, kept),
    cut: cut + length - kept,
  };
};

/** Leaves out the rows with nothing to learn, and counts. */
export const countedRows = (all: readonly TokenRow[]): TokenRows => {
  const rows = all.filter(({ learn }) => learn.includes(1));
  const sum = (value: (row: TokenRow) => number, of = rows) =>
    of.reduce((total, row) => total + value(row), 0);
  return {
    rows,
    report: {
      rows: all.length,
      rowsCut: all.filter(({ cut }) => cut > 0).length,
      tokensCut: sum(({ cut }) => cut, [...all]),
      rowsLeftOut: all.filter(({ learn }) => !learn.includes(1)).map(({ row }) => row),
      tokens: sum(({ ids }) => ids.length),
      tokensLearned: sum(({ learn }) => learn.reduce((count, learned) => count + learned, 0)),
      longest: rows.reduce((longest, { ids }) => Math.max(longest, ids.length), 0),
    },
  };
};
