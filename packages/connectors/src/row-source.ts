/** What every connector gives: a site's rows, one after the other, each with the place where it stands. */

/** By column (CSV) or key (JSON). A CSV field is text; a JSON one any JSON value. */
export type Fields = Readonly<Record<string, unknown>>;

export type Row =
  | { readonly type: "row"; readonly place: string; readonly fields: Fields }
  /** A row that cannot be read; the rows after it can. `problem` never repeats what the row says. */
  | { readonly type: "bad-row"; readonly place: string; readonly problem: string };

export interface RowSource {
  /** In a few words, for people: `jsonl files mail/*.jsonl`. */
  readonly describe: string;
  /**
   * Reads from the start, each time it is called, in bounded memory. Throws an `InputError` where a file is missing
   * or cannot be read on. `place` of a row is `file:line`, lines counted from 1.
   */
  readonly rows: (signal?: AbortSignal) => AsyncIterable<Row>;
}
