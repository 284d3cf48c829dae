/** `data preview`: some of the site's rows as the contract's model would read them, with what it learns of each. */
import { InputError } from "@bulkhead/base";
import { expectFewBadRows, gatherRecords, openRows } from "@bulkhead/connectors";
import { EXIT, type ExitCode, markedText, printable, stopSignal } from "@bulkhead/console";
import {
  isForTesting,
  type LanguageTask,
  modelPlace,
  openLanguageTokenizer,
  type Reader,
  rowRuns,
  rowsToTokens,
  type TokenRow,
} from "@bulkhead/finetune";
import { expectKnownTask, languageTaskOf, readAnyContractFile, tellResult } from "@bulkhead/party";
import { loadSiteConfig } from "../config.ts";
import { recordSpec, rowsSpec } from "../site-rows.ts";

interface PreviewOptions {
  readonly config: string;
  readonly contract: string;
  readonly rows: string;
  readonly json?: true;
}

/** Prints texts of rows: it is for the people of the site, on their own terminal. */
export const previewData = async (options: PreviewOptions): Promise<ExitCode> => {
  const wanted = countOf(options.rows);
  const { config, where } = await loadSiteConfig(options.config);
  const { contract } = await readAnyContractFile(options.contract);
  expectKnownTask(contract);
  const task = languageTaskOf(contract);
  if (task === undefined) throw noLanguageModel(options.contract);
  const place = config.model && modelPlace(config.model);
  if (place === undefined) throw noModel(where("model"));
  const source = openRows(rowsSpec(config.data));
  const spec = recordSpec(config.data, task);
  const records = await gatherRecords(source, spec, stopSignal());
  expectFewBadRows(records, spec.badRowLimit);
  const reader = { ...(await openLanguageTokenizer(place)), maxTokens: task.maxTokens };
  const { rows } = rowsToTokens(records.rows.slice(0, wanted), task.rows, reader);
  const shown = rows.map((row) => ({
    row,
    place: records.places[row.row]!,
    isHeldOut: isHeldOut(records.rows[row.row]!, task),
  }));
  if (options.json) tellResult(true, { rows: shown.map((each) => recordOf(each, reader)) }, []);
  // Colours are what may act on the terminal here; all else is written out already.
  else process.stdout.write(`${shown.flatMap((each) => linesOf(each, reader)).join("\n")}\n`);
  return EXIT.done;
};

interface Shown {
  readonly row: TokenRow;
  readonly place: string;
  readonly isHeldOut: boolean;
}

const isHeldOut = (row: Readonly<Record<string, unknown>>, { heldOut }: LanguageTask): boolean =>
  heldOut !== undefined && isForTesting(String(row[heldOut.key]), heldOut);

const recordOf = ({ row, place, isHeldOut: held }: Shown, { tokenizer }: Reader) => ({
  place,
  heldOut: held,
  tokens: row.ids.length,
  cut: row.cut,
  runs: rowRuns(row, tokenizer).map(({ text, learned }) => ({ text, learned })),
});

const linesOf = ({ row, place, isHeldOut: held }: Shown, { tokenizer }: Reader): readonly string[] => {
  const learned = row.learn.reduce((sum, one) => sum + one, 0);
  const cut = row.cut === 0 ? "" : `, ${row.cut} more were cut`;
  const use = held ? "; held out, so judged and not trained on" : "";
  const stretches = rowRuns(row, tokenizer).map((run) => ({ text: run.text, isMarked: run.learned }));
  return [
    `${printable(place)}: ${row.ids.length} tokens${cut}, ${learned} of them learned${use}`,
    markedText(stretches),
    "",
  ];
};

const MOST_ROWS = 1000;

const countOf = (rows: string): number => {
  const count = Number(rows);
  if (Number.isInteger(count) && count >= 1 && count <= MOST_ROWS) return count;
  throw new InputError({
    code: "usage-option",
    place: "--rows",
    problem: `it is no whole number from 1 to ${MOST_ROWS}`,
    cure: "give one, as --rows 5",
  });
};

const noLanguageModel = (place: string): InputError =>
  new InputError({
    code: "contract-task",
    place,
    problem: "its task is not of kind language-model",
    cure: "look at a classifier's rows with data check",
  });

const noModel = (place: string): InputError =>
  new InputError({
    code: "config-trainer",
    place,
    problem: "no base model is named, and its tokenizer is needed",
    cure: "name the model's folder or its GGUF file",
  });
