/** A site's rows as its config names them: what to open, and how to read examples from it. */
import { InputError } from "@bulkhead/base";
import type { ExampleSpec, RowsSpec } from "@bulkhead/connectors";
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
  return { columns, labels: labels ?? { integers: classes ?? MOST_CLASSES }, longestText, badRowLimit };
};
