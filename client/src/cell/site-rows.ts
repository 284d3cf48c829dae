/** A site's rows as training examples, with the place of each. */
import { type Examples, openRows, readExamples, type RowsSpec } from "@bulkhead/connectors";
import { classifierTaskOf } from "@bulkhead/party";
import type { Contract } from "@bulkhead/protocol";
import type { DataSettings } from "../settings.ts";

/** Labels that are numbers have no names to be counted by, where the contract does not say how many there are. */
const MOST_CLASSES = 10_000;

/** Throws an {@link InputError} `data-…` that names file and line; `signal` ends it. */
export const readSiteRows = (
  data: DataSettings,
  contract: Pick<Contract, "task">,
  signal: AbortSignal,
): Promise<Examples> => {
  const { columns, longestText } = data;
  const labels = data.labels ?? { integers: classifierTaskOf(contract)?.classes ?? MOST_CLASSES };
  const badRowLimit =
    data.badRowLimit.type === "count" ? { count: data.badRowLimit.count } : { share: data.badRowLimit.share };
  return readExamples(openRows(rowsSpec(data)), { columns, labels, longestText, badRowLimit }, signal);
};

const rowsSpec = ({ type, paths, delimiter, quote, header }: DataSettings): RowsSpec =>
  type === "jsonl"
    ? { type, paths }
    : {
        type,
        paths,
        ...(delimiter === undefined ? {} : { delimiter }),
        // oxlint-disable-next-line unicorn/no-null -- the connector's word for fields that are never quoted
        ...(quote === undefined ? {} : { quote: quote === "" ? null : quote }),
        ...(header === undefined ? {} : { columns: header }),
      };
