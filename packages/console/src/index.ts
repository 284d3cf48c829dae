export { type Bar, barChart, lineChart, type LineChartOptions, type Series } from "./chart.ts";
export { type LoadedConfig, loadConfig } from "./config.ts";
export { secretText, z } from "./config-schema.ts";
export { renderConfigTemplate, type TemplateOptions } from "./config-template.ts";
export { EXIT, EXIT_OF_ERROR, type ExitCode, exitCodeOf } from "./exit-codes.ts";
export { humanBytes, humanSeconds } from "./human.ts";
export {
  createLogger,
  LOG_LEVELS,
  type LogFields,
  type Logger,
  type LogLevel,
  type LogOptions,
  type LogValue,
} from "./logger.ts";
export { markedText, type Stretch } from "./marked-text.ts";
export { nearest } from "./nearest.ts";
export { type PassphraseOptions, type PassphraseSource, readPassphrase } from "./passphrase.ts";
export { printable } from "./printable.ts";
export {
  openProgress,
  type Progress,
  progressBar,
  type ProgressEvent,
  type ProgressOutput,
  progressTo,
} from "./progress.ts";
export { askAtTerminal } from "./question.ts";
export { renderReport, type ReportHead } from "./report.ts";
export { type Program, runMain } from "./run-main.ts";
export { StopRequested, stopSignal } from "./stop-signal.ts";
export { renderTable, type TableRows } from "./table.ts";
