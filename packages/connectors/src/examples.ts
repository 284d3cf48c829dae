/** From rows to training examples: the columns that count, checked, with bad rows counted and refused above a limit. */
import {
  type BadRowLimit,
  expectFewBadRows,
  type Gathered,
  gatherRows,
  startOf,
  textProblem,
} from "./gather-rows.ts";
import { LabelReader, type Labels } from "./labels.ts";
import type { RowSource } from "./row-source.ts";

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
  readonly badRowLimit: BadRowLimit;
}

export interface Examples extends Gathered<Example> {
  /** How many examples each label has. */
  readonly perLabel: readonly number[];
}

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
  const { columns, longestText } = spec;
  const labels = new LabelReader(spec.labels);
  const gathered = await gatherRows<Example>(
    source,
    {
      columns: [columns.text, columns.label],
      read: (fields) => {
        const text = fields[columns.text];
        const problem = isBlank(text) ? "its text is empty" : textProblem(text, "text");
        if (problem !== undefined) return { type: "bad", problem };
        const label = labels.read(fields[columns.label]);
        if (typeof label === "string") return { type: "bad", problem: label };
        const whole = String(text);
        const value = { text: startOf(whole, longestText), label };
        return { type: "good", value, cut: whole.length > longestText ? 1 : 0 };
      },
    },
    signal,
  );
  const perLabel = Array.from({ length: labels.count }, () => 0);
  for (const { label } of gathered.rows) perLabel[label]! += 1;
  return { ...gathered, perLabel };
};

const isBlank = (text: unknown): boolean => typeof text === "string" && text.trim() === "";
