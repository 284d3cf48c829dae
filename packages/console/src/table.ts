/** Tables for people. */
import Table from "cli-table3";
import { printable } from "./printable.ts";

export interface TableRows {
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

/** Numbers stand to the right, all else to the left; what a cell says cannot act on the terminal. */
export const renderTable = ({ head, rows }: TableRows): string => {
  const isNumeric = (column: number) =>
    rows.length > 0 && rows.every((row) => /^[-+]?[\d.]/u.test(String(row[column])));
  const table = new Table({
    head: head.map(printable),
    colAligns: head.map((_, column) => (isNumeric(column) ? "right" : "left")),
    style: { head: [], border: [], compact: true },
  });
  table.push(...rows.map((row) => row.map((cell) => printable(String(cell)))));
  return table.toString();
};
