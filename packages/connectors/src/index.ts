export type { CsvForm } from "./csv.ts";
export { type Example, type Examples, type ExampleSpec, gatherExamples, readExamples } from "./examples.ts";
export {
  type BadRow,
  type BadRowLimit,
  badRowsAllowed,
  expectFewBadRows,
  type Gathered,
} from "./gather-rows.ts";
export type { Labels } from "./labels.ts";
export { openRows, type RowsSpec } from "./open-rows.ts";
export { gatherRecords, readRecords, type Records, type RecordSpec } from "./records.ts";
export type { Fields, Row, RowSource } from "./row-source.ts";
