/**
 * Comma-separated values (RFC 4180). A row with too few or too many fields is a bad row. A quote that is wrong or
 * never closed ends the reading: nobody can tell where the next row begins.
 */
import { InputError, utf8ToText } from "@bulkhead/base";
import { CsvError, parse } from "csv-parse";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileBytes } from "./file-bytes.ts";
import { LineCount } from "./line-count.ts";
import type { Row } from "./row-source.ts";

export interface CsvForm {
  /** One ASCII character; a comma unless given. */
  readonly delimiter?: string;
  /** One ASCII character, or `null` where fields are never quoted; `"` unless given. */
  readonly quote?: string | null;
  /** The columns, where the first row does not name them. */
  readonly columns?: readonly string[];
}

/** Beyond so many times the longest row, a row is taken for one with a quote that is never closed. */
const UNBELIEVABLE = 4;

/** The rows of one file; one longer than `longestRow` bytes is bad. */
export async function* csvRows(
  file: string,
  form: CsvForm,
  longestRow: number,
  signal?: AbortSignal,
): AsyncGenerator<Row> {
  let columns = form.columns;
  for await (const { line, length, fields } of csvRecords(file, form, longestRow, signal)) {
    const place = `${file}:${line}`;
    if (columns === undefined) {
      columns = columnNames(place, fields);
      continue;
    }
    const read =
      length > longestRow ? `the row is longer than ${longestRow} bytes` : readFields(columns, fields);
    yield typeof read === "string"
      ? { type: "bad-row", place, problem: read }
      : { type: "row", place, fields: read };
  }
}

interface CsvRecord {
  readonly line: number;
  /** In bytes, without quotes. */
  readonly length: number;
  /** One character for each byte: the parser would replace what is not UTF-8 without a word. */
  readonly fields: readonly string[];
}

async function* csvRecords(
  file: string,
  { delimiter = ",", quote = '"' }: CsvForm,
  longestRow: number,
  signal?: AbortSignal,
): AsyncGenerator<CsvRecord> {
  const lines = new LineCount();
  const places = new Queue<Omit<CsvRecord, "fields">>();
  let end = 0;
  const parser = parse({
    delimiter,
    quote,
    encoding: "latin1",
    record_delimiter: ["\r\n", "\n"],
    relax_column_count: true,
    skip_empty_lines: true,
    // Called while the bytes of the record are the last ones taken; the loop below sees it later.
    on_record: (fields: string[], { bytes }) => {
      const inside = fields.reduce((count, field) => count + newlines(field), 0);
      const length = fields.reduce((sum, field) => sum + field.length + 1, 0);
      places.push({ line: lines.upTo(bytes) - inside, length });
      end = bytes;
      return fields;
    },
  });
  const problemAt = (code: string) => formError(`${file}:${lines.upTo(end) + 1}`, code);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    let [begun, emptyLines] = [0, 0];
    for await (const piece of lines.counting(fileBytes(file, signal))) {
      yield piece;
      // An empty line is no record, but no row goes on over it either.
      begun = parser.info.empty_lines === emptyLines ? Math.max(begun, end) : lines.fed;
      emptyLines = parser.info.empty_lines;
      // The parser's own bound counts no delimiters: a row of nothing else would fill the memory.
      if (lines.fed - begun > UNBELIEVABLE * longestRow + piece.length) throw problemAt("no-end");
    }
  }
  const fed = pipeline(Readable.from(pieces()), parser);
  // Its failure reaches the loop below through the parser.
  fed.catch(() => undefined);
  try {
    for await (const fields of parser as AsyncIterable<readonly string[]>)
      yield { ...places.take()!, fields };
  } catch (error) {
    throw error instanceof CsvError ? problemAt(error.code) : error;
  }
}

/** `Array.shift` moves all that is behind; the parser puts a whole piece's records here before one is taken. */
class Queue<T> {
  #items: T[] = [];
  #next = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    const item = this.#items[this.#next++];
    if (this.#next < this.#items.length) return item;
    this.#items = [];
    this.#next = 0;
    return item;
  }
}

const newlines = (text: string): number => text.split("\n").length - 1;

const formError = (place: string, code: string): InputError =>
  new InputError({
    code: "data-csv-form",
    place,
    problem: PROBLEMS[code] ?? "a quote stands in the middle of a field in this row",
    cure: "put such fields in quotes and double the quotes in them, or say in the config that quotes mean nothing",
  });

const PROBLEMS: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: "a quote is opened in this row and never closed",
  "no-end": "this row has no end: perhaps a quote in it is never closed",
};

const columnNames = (place: string, fields: readonly string[]): readonly string[] => {
  const names = fields.map(decoded);
  const known = names.filter((name) => name !== undefined);
  const twice = known.find((name, i) => known.indexOf(name) !== i);
  if (known.length === names.length && twice === undefined) return known;
  throw new InputError({
    code: "data-columns",
    place,
    problem:
      twice === undefined
        ? "a column's name is not UTF-8"
        : `two columns are called ${JSON.stringify(twice)}`,
    cure: "correct the first row, or name the columns in the config",
  });
};

/** The problem, where there is one, as a text. */
const readFields = (
  columns: readonly string[],
  fields: readonly string[],
): Readonly<Record<string, string>> | string => {
  if (fields.length !== columns.length) return `the row has ${fields.length} fields, not ${columns.length}`;
  const texts = fields.map(decoded);
  if (texts.includes(undefined)) return "a field is not UTF-8";
  return Object.fromEntries(columns.map((column, i) => [column, texts[i] ?? ""]));
};

const decoded = (field: string): string | undefined => {
  // Most fields are ASCII, whose bytes are their characters.
  if (/^[\0-\x7F]*$/u.test(field)) return field;
  try {
    return utf8ToText(Uint8Array.from(field, (character) => character.charCodeAt(0)));
  } catch {
    return undefined;
  }
};
