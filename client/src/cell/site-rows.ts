/** A site's rows as its trainer takes them, with the place of each; those held out by the contract stand apart. */
import { openRows, readExamples, readRecords } from "@bulkhead/connectors";
import { type LanguageTask, type Rows, splitRows } from "@bulkhead/finetune";
import { classifierTaskOf, languageTaskOf } from "@bulkhead/party";
import type { Contract } from "@bulkhead/protocol";
import type { DataSettings } from "../settings.ts";
import { exampleSpec, recordSpec, rowsSpec } from "../site-rows.ts";

export interface SiteRows {
  /** To train on. */
  readonly rows: Rows;
  /** `file:line` of each of them. */
  readonly places: readonly string[];
  /** On these each round's model is judged; none where the contract holds none out. */
  readonly heldOut: Rows;
}

type Task = Pick<Contract, "job" | "task">;

/** Throws an {@link InputError} `data-…` that names file and line; `signal` ends it. */
export const readSiteRows = async (
  data: DataSettings,
  contract: Task,
  signal: AbortSignal,
): Promise<SiteRows> => {
  const task = languageTaskOf(contract);
  if (task?.heldOut === undefined) return readAllRows(data, contract, signal);
  const { rows, places } = await readRecordsFor(data, task, signal);
  const { train, test } = splitRows(rows, task.heldOut);
  return {
    rows: train.map((i) => rows[i]!),
    places: train.map((i) => places[i]!),
    heldOut: test.map((i) => rows[i]!),
  };
};

/** Whatever the contract holds out. */
export const readAllRows = async (
  data: DataSettings,
  contract: Task,
  signal: AbortSignal,
): Promise<SiteRows> => {
  const task = languageTaskOf(contract);
  const { rows, places } =
    task === undefined
      ? await readExamplesFor(data, contract, signal)
      : await readRecordsFor(data, task, signal);
  return { rows, places, heldOut: [] };
};

const readRecordsFor = (data: DataSettings, task: LanguageTask, signal: AbortSignal) =>
  readRecords(openRows(rowsSpec(data)), recordSpec(data, task), signal);

const readExamplesFor = (data: DataSettings, contract: Task, signal: AbortSignal) => {
  const spec = exampleSpec(data, classifierTaskOf(contract)?.classes, `contract ${contract.job}`);
  return readExamples(openRows(rowsSpec(data)), spec, signal);
};
