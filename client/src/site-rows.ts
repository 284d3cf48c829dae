/** A site's rows as its config names them: what to open, and how to read examples from it. */
import { InputError } from "@bulkhead/base";
import type { ExampleSpec, RecordSpec, RowsSpec } from "@bulkhead/connectors";
import { type LanguageTask, recipeColumns } from "@bulkhead/finetune";
import type { DataSettings } from "./settings.ts";

/** Where no contract says how many classes there are. */
const MOST_CLASSES = 10_000;

export const rowsSpec = (data: DataSettings): RowsSpec => {
  if (data.type === "jsonl") return { type: "jsonl", paths: data.paths };
  const { paths, delimiter = ",", quote = '"', header } = data;
  return {
    type: "csv",
    paths,
    delimiter,
    quote: quote === "" ? null : quote,
    ...(header === undefined ? {} : { columns: header }),
  };
};

/**
 * `classes` are the contract's, where its task has them. Throws an {@link InputError} `data-labels` where the config
 * names another number of labels.
 */
export const exampleSpec = (data: DataSettings, classes: number | undefined, place: string): ExampleSpec => {
  const { columns, labels, longestText, badRowLimit } = data;
  if (labels !== undefined && classes !== undefined && labels.length !== classes)
    throw new InputError({
      code: "data-labels",
      place,
      problem: `${labels.length} labels are named, and the contract has ${classes} classes`,
      cure: "name one label for each class, in the contract's order",
    });
  const { text = "text", label = "label" } = columns;
  return {
    columns: { text, label },
    labels: labels ?? { integers: classes ?? MOST_CLASSES },
    longestText,
    badRowLimit,
  };
};

/** The columns of a language model's recipe, and the one by which rows are held out. */
export const recordSpec = (data: DataSettings, { rows, heldOut }: LanguageTask): RecordSpec => {
  const { columns, longestText, badRowLimit } = data;
  const names = new Set([...recipeColumns(rows), ...(heldOut === undefined ? [] : [heldOut.key])]);
  return {
    columns: new Map([...names].map((name) => [name, Object.hasOwn(columns, name) ? columns[name]! : name])),
    lists: new Set(rows.type === "chat" ? [rows.messages] : []),
    longestText,
    badRowLimit,
  };
};
