/**
 * What a running command shows: on a terminal one line that is rewritten and lines that stay; elsewhere plain lines;
 * with `--json` one record a line and nothing else.
 */
import { assertNever } from "@bulkhead/base";
import { printable } from "./printable.ts";

/** For machines: `event` says what happened, the other fields with what. */
export type ProgressEvent = Readonly<Record<string, string | number | boolean | null | undefined>> & {
  readonly event: string;
};

export interface Progress {
  /** How far it is just now. Rewritten on a terminal; elsewhere a line every ten seconds; not in JSON. */
  live(text: string): void;
  /** Something happened: the text for people, the event for machines. */
  tell(event: ProgressEvent, text: string): void;
  /** Takes the live line away. */
  end(): void;
}

export interface ProgressOutput {
  readonly mode: "terminal" | "lines" | "json";
  readonly write: (text: string) => void;
  /** Of the terminal; the live line is cut there. */
  readonly columns?: () => number;
  readonly now?: () => number;
}

const LINE_EVERY_MS = 10_000;
/** Where the terminal does not say; some say 0. */
const COLUMNS = 80;
const CLEAR = "\r\u001B[2K";

/** People read on stderr, so that stdout has nothing but results; with `--json` events go to stdout. */
export const openProgress = ({ json }: { readonly json: boolean }): Progress =>
  json
    ? progressTo({ mode: "json", write: (text) => void process.stdout.write(text) })
    : progressTo({
        mode: process.stderr.isTTY ? "terminal" : "lines",
        write: (text) => void process.stderr.write(text),
        columns: () => process.stderr.columns,
      });

export const progressTo = (output: ProgressOutput): Progress => {
  switch (output.mode) {
    case "terminal":
      return terminalProgress(output);
    case "lines":
      return lineProgress(output);
    case "json":
      return jsonProgress(output);
    default:
      return assertNever(output.mode);
  }
};

const terminalProgress = ({ write, columns = () => COLUMNS }: ProgressOutput): Progress => {
  let isShown = false;
  const clear = () => {
    if (isShown) write(CLEAR);
    isShown = false;
  };
  return {
    live: (text) => {
      write(
        `${CLEAR}${Array.from(printable(text))
          .slice(0, (columns() || COLUMNS) - 1)
          .join("")}`,
      );
      isShown = true;
    },
    tell: (_, text) => {
      clear();
      write(`${printable(text)}\n`);
    },
    end: clear,
  };
};

const lineProgress = ({ write, now = () => performance.now() }: ProgressOutput): Progress => {
  let lastAt = -Infinity;
  let last = "";
  return {
    live: (text) => {
      if (text === last || now() - lastAt < LINE_EVERY_MS) return;
      [last, lastAt] = [text, now()];
      write(`${printable(text)}\n`);
    },
    tell: (_, text) => write(`${printable(text)}\n`),
    end: () => undefined,
  };
};

const jsonProgress = ({ write }: ProgressOutput): Progress => ({
  live: () => undefined,
  tell: (event) => write(`${JSON.stringify(event)}\n`),
  end: () => undefined,
});

const BAR_WIDTH = 24;

/** `━━━━━━──────  50 %`. */
export const progressBar = (done: number, total: number): string => {
  const share = total > 0 ? Math.min(1, Math.max(0, done / total)) : 0;
  const filled = Math.round(share * BAR_WIDTH);
  return `${"━".repeat(filled)}${"─".repeat(BAR_WIDTH - filled)} ${String(Math.floor(share * 100)).padStart(3)} %`;
};
