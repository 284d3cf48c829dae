/** A row of data: texts by the names of their columns. */
import { InputError } from "@bulkhead/base";

export type DataRow = Readonly<Record<string, unknown>>;

/** A number is written as JSON writes it. */
export const columnText = (row: DataRow, column: string, index: number): string => {
  const value = Object.hasOwn(row, column) ? row[column] : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean")
    return String(value);
  throw badColumn(column, index, value === undefined ? "is missing" : "is not text");
};

export const badColumn = (column: string, index: number, problem: string): InputError =>
  new InputError({
    code: "row-column",
    place: `row ${index + 1}`,
    problem: `the column ${JSON.stringify(column.slice(0, 80))} ${problem}`,
    cure: "name the columns of the recipe as the data names them, or leave such rows out",
  });
