/** The outermost wrapper of every command: what it throws becomes one line and an exit code, never a stack trace. */
import { InputError } from "@bulkhead/base";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { inspect } from "node:util";
import pc from "picocolors";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { hasColours } from "./has-colours.ts";
import { printable } from "./printable.ts";
import { StopRequested } from "./stop-signal.ts";

/** A command: from its arguments (without node and script) to its exit code. */
export type Program = (args: readonly string[]) => Promise<number>;

/**
 * Runs the program and ends the process with its exit code, after all output is written. An {@link InputError} is
 * told as `error: place: problem; cure`, or as one line of JSON with `--json`. Anything else is a bug: one line that
 * names a crash file; with BULKHEAD_DEBUG=1 the stack trace too.
 */
export const runMain = (program: Program): void => {
  const args = process.argv.slice(2);
  const asJson = args.includes("--json");
  ignoreClosedOutput();
  const endWith = (error: unknown) => void end(tellFailure(error, asJson));
  process.on("uncaughtException", endWith);
  program(args).then(end, endWith);
};

/** A reader that went away (`| head`) is no reason to end a run in its middle: later output goes nowhere. */
const ignoreClosedOutput = (): void => {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: Error & { readonly code?: unknown }) => {
      if (error.code !== "EPIPE") throw error;
    });
};

const end = async (exitCode: number): Promise<void> => {
  await Promise.all([process.stdout, process.stderr].map(flushed));
  // oxlint-disable-next-line unicorn/no-process-exit -- the one place where a command ends
  process.exit(exitCode);
};

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write("", () => resolve());
  });

const tellFailure = (error: unknown, asJson: boolean): number => {
  if (error instanceof InputError) return tell(error, exitCodeOf(error.code), asJson);
  if (error instanceof StopRequested) {
    const problem = { code: "interrupted", place: ownName(), problem: error.message };
    return tell({ ...problem, cure: "run the same command again to go on" }, EXIT.interrupted, asJson);
  }
  const parsed = parserError(error);
  if (parsed?.isHelp) return parsed.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (parsed !== undefined)
    return tell({ ...parsed, code: "usage-option", place: ownName() }, EXIT.usage, asJson);
  return tell({ code: "internal-error", place: ownName(), ...crashed(error) }, EXIT.failed, asJson);
};

interface Told {
  readonly code: string;
  readonly place: string;
  readonly problem: string;
  readonly cure: string;
}

const tell = ({ code, place, problem, cure }: Told, exitCode: number, asJson: boolean): number => {
  const line = asJson
    ? JSON.stringify({ error: { code, place, problem, cure }, exitCode })
    : `${pc.createColors(hasColours(process.stderr)).red("error:")} ${printable(`${place}: ${problem}; ${cure}`)}`;
  process.stderr.write(`${line}\n`);
  return exitCode;
};

const ownName = (): string => basename(process.argv[1] ?? "bulkhead");

interface ParserError {
  /** It has been shown, asked for or in place of a command. */
  readonly isHelp: boolean;
  readonly exitCode: unknown;
  readonly problem: string;
  readonly cure: string;
}

/** What the option parser throws: help, or an option or command that it does not know. */
const parserError = (error: unknown): ParserError | undefined => {
  if (!(error instanceof Error && "code" in error && "exitCode" in error)) return undefined;
  if (typeof error.code !== "string" || !error.code.startsWith("commander.")) return undefined;
  return {
    isHelp: error.exitCode === 0 || error.code === "commander.help",
    exitCode: error.exitCode,
    problem: error.message.replace(/^error: /u, "").replaceAll(/\s*\n\s*/gu, " "),
    cure: "see --help",
  };
};

const crashed = (error: unknown): { readonly problem: string; readonly cure: string } => {
  if (process.env["BULKHEAD_DEBUG"] === "1") process.stderr.write(`${inspect(error)}\n`);
  const problem = "internal error, which is a bug of this program";
  const path = join(tmpdir(), `bulkhead-crash-${process.pid}-${Date.now()}.txt`);
  const facts = [new Date().toISOString(), `${ownName()} on node ${process.version}, ${process.platform}`];
  try {
    writeFileSync(path, `${[...facts, inspect(error)].join("\n")}\n`, { mode: 0o600, flag: "wx" });
    return { problem, cure: `look through ${path} for anything private, then report it` };
  } catch {
    return { problem, cure: "run it again with BULKHEAD_DEBUG=1 and report what it prints" };
  }
};
