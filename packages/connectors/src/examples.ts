/** From rows to training examples: the columns that count, checked, with bad rows counted and refused above a limit. */
import { hasLoneSurrogate, InputError, utf8, utf8ToText } from "@bulkhead/base";
import { LabelReader, type Labels } from "./labels.ts";
import type { Fields, RowSource } from "./row-source.ts";

export interface Example {
  readonly text: string;
  /** Its number among the labels. */
  readonly label: number;
}

export interface ExampleSpec {
  /** Which column or key holds the text, and which the label. */
  readonly columns: { readonly text: string; readonly label: string };
  readonly labels: Labels;
  /** In UTF-16 units; of a longer text the start is taken, as a tokenizer would. */
  readonly longestText: number;
  /** How many bad rows are put up with: a number, or a share of all rows. */
  readonly badRowLimit: { readonly count: number } | { readonly share: number };
}

export interface BadRow {
  /** `file:line`. */
  readonly place: string;
  /** May repeat a label, never a text. */
  readonly problem: string;
}

export interface Examples {
  readonly rows: readonly Example[];
  /** `file:line` of each of them. */
  readonly places: readonly string[];
  /** Of all rows, good and bad. */
  readonly total: number;
  /** The first twenty. */
  readonly bad: readonly BadRow[];
  readonly badCount: number;
  /** Of texts that were longer than the longest. */
  readonly cutCount: number;
  /** How many examples each label has. */
  readonly perLabel: readonly number[];
}

const SHOWN = 20;
/** So many rows without the column, from the start, are taken for a wrong column rather than for bad rows. */
const ENOUGH_WITHOUT = 1000;

/**
 * Throws an {@link InputError}: `data-columns` where no row has the columns (with those there are), `data-bad-rows`
 * above the limit (with the first of them), `data-empty` where nothing is left.
 */
export const readExamples = async (
  source: RowSource,
  spec: ExampleSpec,
  signal?: AbortSignal,
): Promise<Examples> => {
  const examples = await gatherExamples(source, spec, signal);
  expectFewBadRows(examples, spec.badRowLimit);
  return examples;
};

/** As {@link readExamples}, but puts up with any number of bad rows, so that all of them can be told. */
export const gatherExamples = async (
  source: RowSource,
  spec: Omit<ExampleSpec, "badRowLimit">,
  signal?: AbortSignal,
): Promise<Examples> => {
  const collector = new Collector(source, spec);
  for await (const row of source.rows(signal)) {
    signal?.throwIfAborted();
    if (row.type === "row") collector.takeRow(row.place, row.fields);
    else collector.takeBad(row.place, row.problem);
  }
  return collector.finish();
};

class Collector {
  readonly #source: RowSource;
  readonly #spec: Omit<ExampleSpec, "badRowLimit">;
  readonly #labels: LabelReader;
  readonly #rows: Example[] = [];
  readonly #places: string[] = [];
  readonly #bad: BadRow[] = [];
  readonly #seen = new Set<string>();
  #firstKeys: readonly string[] | undefined;
  #badCount = 0;
  #cutCount = 0;
  #total = 0;

  constructor(source: RowSource, spec: Omit<ExampleSpec, "badRowLimit">) {
    this.#source = source;
    this.#spec = spec;
    this.#labels = new LabelReader(spec.labels);
  }

  takeRow(place: string, fields: Fields): void {
    this.#firstKeys ??= Object.keys(fields);
    const { text: textColumn, label: labelColumn } = this.#spec.columns;
    const lacking = [textColumn, labelColumn].filter((column) => !this.#has(fields, column));
    if (lacking.length > 0) {
      this.takeBad(place, `it has no ${lacking.map((column) => JSON.stringify(column)).join(" and no ")}`);
      if (this.#total >= ENOUGH_WITHOUT) this.#expectColumns();
      return;
    }
    const problem = this.#problemOf(fields[textColumn]);
    const label = this.#labels.read(fields[labelColumn]);
    if (problem !== undefined) this.takeBad(place, problem);
    else if (typeof label === "string") this.takeBad(place, label);
    else this.#take(place, String(fields[textColumn]), label);
  }

  takeBad(place: string, problem: string): void {
    this.#total++;
    this.#badCount++;
    if (this.#bad.length < SHOWN) this.#bad.push({ place, problem });
  }

  finish(): Examples {
    if (this.#total === 0) throw emptySource(this.#source.describe);
    if (this.#firstKeys !== undefined) this.#expectColumns();
    const perLabel = Array.from({ length: this.#labels.count }, () => 0);
    for (const { label } of this.#rows) perLabel[label]! += 1;
    return {
      rows: this.#rows,
      places: this.#places,
      total: this.#total,
      bad: this.#bad,
      badCount: this.#badCount,
      cutCount: this.#cutCount,
      perLabel,
    };
  }

  #has(fields: Fields, column: string): boolean {
    const isThere = Object.hasOwn(fields, column);
    if (isThere) this.#seen.add(column);
    return isThere;
  }

  #problemOf(text: unknown): string | undefined {
    if (typeof text !== "string") return "its text is no text";
    if (text.trim() === "") return "its text is empty";
    if (text.includes("\0")) return "its text has a NUL character";
    return hasLoneSurrogate(text) ? "its text has half a character (a lone surrogate)" : undefined;
  }

  #take(place: string, text: string, label: number): void {
    this.#total++;
    const { longestText } = this.#spec;
    if (text.length > longestText) this.#cutCount++;
    this.#rows.push({ text: startOf(text, longestText), label });
    this.#places.push(place);
  }

  #expectColumns(): void {
    const { columns } = this.#spec;
    const missing = [columns.text, columns.label].filter((column) => !this.#seen.has(column));
    if (missing.length === 0) return;
    throw new InputError({
      code: "data-columns",
      place: this.#source.describe,
      problem: `there is no column ${missing.map((column) => JSON.stringify(column)).join(" and no column ")}`,
      cure: `name one of those there are: ${shortList(this.#firstKeys ?? [])}`,
    });
  }
}

/** How many of `total` rows may be bad. */
export const badRowsAllowed = (limit: ExampleSpec["badRowLimit"], total: number): number =>
  "count" in limit ? limit.count : Math.floor(limit.share * total);

/** Throws an {@link InputError} `data-bad-rows` above the limit, and where no row is good. */
export const expectFewBadRows = (
  { rows, bad, badCount, total }: Examples,
  limit: ExampleSpec["badRowLimit"],
): void => {
  const most = badRowsAllowed(limit, total);
  const [first] = bad;
  if (first === undefined || (badCount <= most && rows.length > 0)) return;
  throw new InputError({
    code: "data-bad-rows",
    place: first.place,
    problem: `${first.problem}; ${badCount} of ${total} rows are bad, ${most} are allowed`,
    cure: "correct the rows, or raise the limit if you can do without them",
  });
};

const emptySource = (describe: string): InputError =>
  new InputError({
    code: "data-empty",
    place: describe,
    problem: "there are no rows in it",
    cure: "check that it is the right file",
  });

/** Never half a character. */
const startOf = (text: string, longest: number): string => {
  if (text.length <= longest) return text;
  const isSplit = /[\uD800-\uDBFF]/u.test(text.charAt(longest - 1));
  // A copy: a slice would keep the whole text in memory.
  return utf8ToText(utf8(text.slice(0, isSplit ? longest - 1 : longest)));
};

const MOST_LISTED = 12;

const shortList = (names: readonly string[]): string => {
  const listed = names.slice(0, MOST_LISTED).map((name) => JSON.stringify(name.slice(0, 40)));
  return names.length > MOST_LISTED ? `${listed.join(", ")}, …` : listed.join(", ");
};
