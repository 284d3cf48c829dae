/** From rows to records: texts by the names that a contract's recipe knows them by, whatever the site calls its columns. */
import {
  type BadRowLimit,
  expectFewBadRows,
  type Gathered,
  gatherRows,
  type Read,
  startOf,
  textProblem,
} from "./gather-rows.ts";
import type { Fields, RowSource } from "./row-source.ts";

/** A text, a number as JSON writes it, or a list of messages. */
export type Records = Gathered<Readonly<Record<string, unknown>>>;

export interface RecordSpec {
  /** Of each name that is wanted, which column or key holds it. */
  readonly columns: ReadonlyMap<string, string>;
  /** Names whose values may be lists of messages. */
  readonly lists: ReadonlySet<string>;
  /** In UTF-16 units; of a longer text the start is taken. Lists are not cut. */
  readonly longestText: number;
  readonly badRowLimit: BadRowLimit;
}

/** As `readExamples`, of records. */
export const readRecords = async (
  source: RowSource,
  spec: RecordSpec,
  signal?: AbortSignal,
): Promise<Records> => {
  const records = await gatherRecords(source, spec, signal);
  expectFewBadRows(records, spec.badRowLimit);
  return records;
};

/** As `gatherExamples`, of records. */
export const gatherRecords = (
  source: RowSource,
  spec: Omit<RecordSpec, "badRowLimit">,
  signal?: AbortSignal,
): Promise<Records> =>
  gatherRows(
    source,
    { columns: [...new Set(spec.columns.values())], read: (fields) => readRecord(fields, spec) },
    signal,
  );

const readRecord = (
  fields: Fields,
  { columns, lists, longestText }: Omit<RecordSpec, "badRowLimit">,
): Read<Readonly<Record<string, unknown>>> => {
  const record = new Map<string, unknown>();
  let cut = 0;
  for (const [name, column] of columns) {
    const value = scalarText(fields[column]);
    if (lists.has(name) && Array.isArray(value)) {
      record.set(name, value);
      continue;
    }
    const problem = textProblem(value, JSON.stringify(column.slice(0, 40)));
    if (problem !== undefined) return { type: "bad", problem };
    const text = String(value);
    const isWhole = lists.has(name) || text.length <= longestText;
    if (!isWhole) cut = 1;
    record.set(name, isWhole ? text : startOf(text, longestText));
  }
  return [...record.values()].every((value) => value === "")
    ? { type: "bad", problem: "all its texts are empty" }
    : { type: "good", value: Object.fromEntries(record), cut };
};

/** JSON may have `1` where CSV has `"1"`. */
const scalarText = (value: unknown): unknown =>
  typeof value === "number" || typeof value === "boolean" ? String(value) : value;
