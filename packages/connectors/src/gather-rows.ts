/** Rows of a source made into what a trainer takes, one by one; bad ones are counted and refused above a limit. */
import { hasLoneSurrogate, InputError, utf8, utf8ToText } from "@bulkhead/base";
import type { Fields, RowSource } from "./row-source.ts";

export interface BadRow {
  /** `file:line`. */
  readonly place: string;
  /** May repeat a label, never a text. */
  readonly problem: string;
}

export interface Gathered<T> {
  readonly rows: readonly T[];
  /** `file:line` of each of them. */
  readonly places: readonly string[];
  /** Of all rows, good and bad. */
  readonly total: number;
  /** The first twenty. */
  readonly bad: readonly BadRow[];
  readonly badCount: number;
  /** Of texts that were longer than the longest. */
  readonly cutCount: number;
}

/** How many bad rows are put up with: a number, or a share of all rows. */
export type BadRowLimit = { readonly count: number } | { readonly share: number };

export type Read<T> =
  | { readonly type: "good"; readonly value: T; readonly cut: number }
  /** Never repeats a text. */
  | { readonly type: "bad"; readonly problem: string };

export interface Gathering<T> {
  /** What a row must have. */
  readonly columns: readonly string[];
  /** A row that has them. */
  readonly read: (fields: Fields) => Read<T>;
}

const SHOWN = 20;
/** So many rows without the column, from the start, are taken for a wrong column rather than for bad rows. */
const ENOUGH_WITHOUT = 1000;

/** Puts up with any number of bad rows. Throws `data-columns` where no row has a column, `data-empty` where there is none. */
export const gatherRows = async <T>(
  source: RowSource,
  gathering: Gathering<T>,
  signal?: AbortSignal,
): Promise<Gathered<T>> => {
  const collector = new Collector(source, gathering);
  for await (const row of source.rows(signal)) {
    signal?.throwIfAborted();
    if (row.type === "row") collector.takeRow(row.place, row.fields);
    else collector.takeBad(row.place, row.problem);
  }
  return collector.finish();
};

class Collector<T> {
  readonly #source: RowSource;
  readonly #gathering: Gathering<T>;
  readonly #rows: T[] = [];
  readonly #places: string[] = [];
  readonly #bad: BadRow[] = [];
  readonly #seen = new Set<string>();
  #firstKeys: readonly string[] | undefined;
  #badCount = 0;
  #cutCount = 0;
  #total = 0;

  constructor(source: RowSource, gathering: Gathering<T>) {
    this.#source = source;
    this.#gathering = gathering;
  }

  takeRow(place: string, fields: Fields): void {
    this.#firstKeys ??= Object.keys(fields);
    const lacking = this.#gathering.columns.filter((column) => !this.#has(fields, column));
    if (lacking.length > 0) {
      this.takeBad(place, `it has no ${lacking.map((column) => JSON.stringify(column)).join(" and no ")}`);
      if (this.#total >= ENOUGH_WITHOUT) this.#expectColumns();
      return;
    }
    const read = this.#gathering.read(fields);
    if (read.type === "bad") {
      this.takeBad(place, read.problem);
      return;
    }
    this.#total++;
    this.#cutCount += read.cut;
    this.#rows.push(read.value);
    this.#places.push(place);
  }

  takeBad(place: string, problem: string): void {
    this.#total++;
    this.#badCount++;
    if (this.#bad.length < SHOWN) this.#bad.push({ place, problem });
  }

  finish(): Gathered<T> {
    if (this.#total === 0) throw emptySource(this.#source.describe);
    if (this.#firstKeys !== undefined) this.#expectColumns();
    return {
      rows: this.#rows,
      places: this.#places,
      total: this.#total,
      bad: this.#bad,
      badCount: this.#badCount,
      cutCount: this.#cutCount,
    };
  }

  #has(fields: Fields, column: string): boolean {
    const isThere = Object.hasOwn(fields, column);
    if (isThere) this.#seen.add(column);
    return isThere;
  }

  #expectColumns(): void {
    const missing = this.#gathering.columns.filter((column) => !this.#seen.has(column));
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
export const badRowsAllowed = (limit: BadRowLimit, total: number): number =>
  "count" in limit ? limit.count : Math.floor(limit.share * total);

/** Throws an {@link InputError} `data-bad-rows` above the limit, and where no row is good. */
export const expectFewBadRows = (
  { rows, bad, badCount, total }: Gathered<unknown>,
  limit: BadRowLimit,
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

/** Why a value is no text that can be used; `undefined` where it is one. */
export const textProblem = (value: unknown, what: string): string | undefined => {
  if (typeof value !== "string") return `its ${what} is no text`;
  if (value.includes("\0")) return `its ${what} has a NUL character`;
  return hasLoneSurrogate(value) ? `its ${what} has half a character (a lone surrogate)` : undefined;
};

/** Never half a character. */
export const startOf = (text: string, longest: number): string => {
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
