/** Which labels there are, and which number a row's label has among them. */

/** In the order of their numbers; or the whole numbers below a bound, for data that is numbered already. */
export type Labels = readonly string[] | { readonly integers: number };

export class LabelReader {
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #expected: string;

  constructor(labels: Labels) {
    const names =
      "integers" in labels ? Array.from({ length: labels.integers }, (_, i) => String(i)) : labels;
    this.#numbers = new Map(names.map((name, i) => [name, i]));
    this.#expected =
      "integers" in labels ? `a whole number from 0 to ${labels.integers - 1}` : shortList(names);
  }

  get count(): number {
    return this.#numbers.size;
  }

  /** The label's number; the problem, where there is one, as a text. JSON may have `1` where CSV has `"1"`. */
  read(value: unknown): number | string {
    const name = typeof value === "string" ? value.trim() : isScalar(value) ? String(value) : undefined;
    if (name === undefined) return "its label is no text and no number";
    if (name === "") return "its label is empty";
    return this.#numbers.get(name) ?? `its label is ${shown(name)}, not ${this.#expected}`;
  }
}

/** A label that looks like one; where the wrong column is named it may be a row's text, which is never repeated. */
const shown = (name: string): string =>
  /^\S{1,20}$/u.test(name) ? JSON.stringify(name) : `a text of ${name.length} characters`;

const isScalar = (value: unknown): value is number | boolean =>
  typeof value === "number" || typeof value === "boolean";

const MOST_LISTED = 12;

const shortList = (names: readonly string[]): string => {
  const listed = names.slice(0, MOST_LISTED).join(", ");
  return `one of ${names.length > MOST_LISTED ? `${listed}, …` : listed}`;
};
