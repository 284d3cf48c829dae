/** Rows of tokens as a site has them, and as a batch. */
import { InputError } from "@bulkhead/base";
import type { TokenRows } from "./batch-context.ts";
import type { LoadedModel } from "./load-model.ts";

/** A text as tokens, without padding. */
export interface LanguageRow {
  readonly ids: Int32Array;
  /** 1 for each token that is to be foretold. */
  readonly targets: Uint8Array;
  /** Where several short texts share the row: which of them a token belongs to. */
  readonly segments?: Int32Array;
}

export interface LanguageBatch extends TokenRows {
  /** [rows · length]: 1 for each token that is to be foretold from those before it. */
  readonly targets: Uint8Array;
}

/** Where a token is foretold, and which. */
export interface Answers {
  /** Into [rows · length]. */
  readonly places: Int32Array;
  readonly labels: Int32Array;
}

/** The first token of a row or segment follows nothing, and is never one of them. */
export const answersOf = ({ ids, length, segments, targets }: LanguageBatch): Answers => {
  const places: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const isFirst = i % length === 0 || (segments !== undefined && segments[i] !== segments[i - 1]);
    if (targets[i] === 1 && !isFirst) places.push(i - 1);
  }
  return {
    places: Int32Array.from(places),
    labels: Int32Array.from(places, (place) => ids[place + 1]!),
  };
};

/** Throws an {@link InputError} about the first row that the model cannot be trained on. */
export const checkRows = (model: LoadedModel, rows: readonly LanguageRow[]): void => {
  for (const [i, row] of rows.entries()) checkRow(model, row, i);
};

const checkRow = ({ shape }: LoadedModel, { ids, targets, segments }: LanguageRow, index: number): void => {
  const problem =
    ids.length === 0 || ids.length > shape.positions
      ? `it has ${ids.length} tokens; the model takes from 1 to ${shape.positions}`
      : targets.length !== ids.length || (segments !== undefined && segments.length !== ids.length)
        ? "its tokens, targets and segments differ in number"
        : ids.some((id) => id < 0 || id >= shape.vocabulary)
          ? `a token is not below ${shape.vocabulary}`
          : answersOf(batchOf([{ ids, targets, ...(segments === undefined ? {} : { segments }) }])).places
                .length === 0
            ? "nothing in it is to be foretold"
            : undefined;
  if (problem === undefined) return;
  throw new InputError({
    code: "data-row",
    place: `row ${index + 1} of the data`,
    problem,
    cure: "correct the row or the mapping of columns",
  });
};

/** Padded with 0, which nothing looks at. */
export const batchOf = (rows: readonly LanguageRow[]): LanguageBatch => {
  const lengths = rows.map(({ ids }) => ids.length);
  const length = Math.max(...lengths);
  const ids = new Int32Array(rows.length * length);
  const targets = new Uint8Array(rows.length * length);
  const segments = new Int32Array(rows.length * length).fill(-1);
  for (const [i, row] of rows.entries()) {
    ids.set(row.ids, i * length);
    targets.set(row.targets, i * length);
    segments.set(row.segments ?? new Int32Array(row.ids.length), i * length);
  }
  const packed = rows.some((row) => row.segments !== undefined);
  return { rows: rows.length, length, ids, lengths, targets, ...(packed ? { segments } : {}) };
};
