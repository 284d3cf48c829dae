/** What the tests of the sources share. */
import { openRows, type Row, type RowsSpec } from "@bulkhead/connectors";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freshFolder } from "../launch.ts";

export const fileWith = (name: string, content: string | Uint8Array): string => {
  const file = join(freshFolder(), name);
  writeFileSync(file, content);
  return file;
};

export const allRows = async (spec: RowsSpec): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for await (const row of openRows(spec).rows()) rows.push(row);
  return rows;
};

/** Each row in a few words: `2 {"a":1}` or `3 BAD why`. */
export const told = async (spec: RowsSpec): Promise<readonly string[]> =>
  (await allRows(spec)).map((row) => {
    const line = row.place.slice(row.place.lastIndexOf(":") + 1);
    return row.type === "row" ? `${line} ${JSON.stringify(row.fields)}` : `${line} BAD ${row.problem}`;
  });
