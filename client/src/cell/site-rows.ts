/** A site's rows as training examples, with the place of each. */
import { type Examples, openRows, readExamples } from "@bulkhead/connectors";
import { classifierTaskOf } from "@bulkhead/party";
import type { Contract } from "@bulkhead/protocol";
import type { DataSettings } from "../settings.ts";
import { exampleSpec, rowsSpec } from "../site-rows.ts";

/** Throws an {@link InputError} `data-…` that names file and line; `signal` ends it. */
export const readSiteRows = (
  data: DataSettings,
  contract: Pick<Contract, "job" | "task">,
  signal: AbortSignal,
): Promise<Examples> => {
  const spec = exampleSpec(data, classifierTaskOf(contract)?.classes, `contract ${contract.job}`);
  return readExamples(openRows(rowsSpec(data)), spec, signal);
};
