/** A site's files as a source of rows. */
import { invariant } from "@bulkhead/base";
import { type CsvForm, csvRows } from "./csv.ts";
import { findFiles } from "./find-files.ts";
import { jsonlRows } from "./jsonl.ts";
import type { Row, RowSource } from "./row-source.ts";

interface Files {
  /** Files and globs, read in the order of the files' names. */
  readonly paths: readonly string[];
  /** Where relative paths begin; the working folder unless given. */
  readonly folder?: string;
  /** In bytes; a longer row is bad. 1 MiB unless given. */
  readonly longestRow?: number;
}

export type RowsSpec = (Files & { readonly type: "jsonl" }) | (Files & { readonly type: "csv" } & CsvForm);

const LONGEST_ROW = 1024 * 1024;

/** Nothing is opened before {@link RowSource.rows} is read. */
export const openRows = (spec: RowsSpec): RowSource => {
  if (spec.type === "csv") expectForm(spec);
  return {
    describe: `${spec.type} files ${spec.paths.join(", ")}`,
    rows: (signal) => rowsOf(spec, signal),
  };
};

async function* rowsOf(spec: RowsSpec, signal?: AbortSignal): AsyncGenerator<Row> {
  const longest = spec.longestRow ?? LONGEST_ROW;
  for (const file of await findFiles(spec.paths, spec.folder ?? process.cwd()))
    yield* spec.type === "jsonl" ? jsonlRows(file, longest, signal) : csvRows(file, spec, longest, signal);
}

/** Whoever reads the config checks what people write in it; this is for the programs. */
const expectForm = ({ delimiter = ",", quote = '"', columns }: CsvForm): void => {
  const isOneCharacter = (text: string) => /^[\t\x20-\x7E]$/u.test(text);
  invariant(isOneCharacter(delimiter), "a delimiter is one ASCII character");
  invariant(
    quote === null || (isOneCharacter(quote) && quote !== delimiter),
    "a quote is another ASCII character",
  );
  invariant(
    columns === undefined || (columns.length > 0 && new Set(columns).size === columns.length),
    "columns are distinct",
  );
};
