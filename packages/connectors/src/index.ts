export type { CsvForm } from "./csv.ts";
export {
  type BadRow,
  badRowsAllowed,
  type Example,
  type Examples,
  type ExampleSpec,
  expectFewBadRows,
  gatherExamples,
  readExamples,
} from "./examples.ts";
export type { Labels } from "./labels.ts";
export { openRows, type RowsSpec } from "./open-rows.ts";
export type { Fields, Row, RowSource } from "./row-source.ts";
