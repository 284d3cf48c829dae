/** Runs programs of the product and of the tests, as processes that a test may feed, watch and kill. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A fresh folder that goes when the test is over. */
export const freshFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

interface LaunchOptions {
  /** A module that is loaded before the program. */
  readonly preload?: URL;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the rest, as `bwrap` does. */
  readonly inside?: readonly string[];
}

/** Whether the packages of this process are the built ones, as in slow and end-to-end tests. */
const isBuilt = createRequire(import.meta.url)
  .resolve("@bulkhead/base")
  .endsWith(".js");

/** What runs in place of a source: the file built from it, where this process runs from built ones too. */
export const runnable = (source: URL): URL => {
  if (!isBuilt) return source;
  const { href } = source;
  const tests = new URL("./", import.meta.url).href;
  const built = href.startsWith(tests)
    ? `${tests}dist/${href.slice(tests.length)}`
    : href.replace(/\/src\/(?<name>.+)$/u, (_, name: string) => `/bundle/${name.replaceAll("/", "-")}`);
  return new URL(built.replace(/\.ts$/u, ".js"));
};

/** The command line that runs a program, given by its source. */
export const commandOf = (program: URL, args: readonly string[], preload?: URL): readonly string[] => [
  process.execPath,
  ...(isBuilt ? [] : ["--conditions=bulkhead-src", "--import", "tsx"]),
  ...(preload === undefined ? [] : ["--import", fileURLToPath(runnable(preload))]),
  fileURLToPath(runnable(program)),
  ...args,
];

export interface Running {
  readonly child: ChildProcess;
  /** The lines that it has printed, as they come. */
  readonly lines: AsyncIterableIterator<string>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export const launch = (program: URL, args: readonly string[], options: LaunchOptions = {}): Running => {
  const [command, ...rest] = [...(options.inside ?? []), ...commandOf(program, args, options.preload)];
  const child = spawn(command!, rest, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...options.env },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal ?? "")),
  );
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator](), ended };
};

export const nextLine = async ({ lines }: Running): Promise<string> => {
  const next = await lines.next();
  return next.done === true ? "(ended)" : next.value;
};

export interface Outcome {
  /** The exit code, or the signal that ended it. */
  readonly ended: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export const runToEnd = async (
  program: URL,
  args: readonly string[],
  { env = {}, input = "" }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Promise<Outcome> => {
  const [command, ...rest] = commandOf(program, args);
  const child = spawn(command!, rest, { env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  child.stdin.end(input);
  const ended = await new Promise<number | string>((resolve) =>
    child.on("close", (code, signal) => resolve(code ?? signal ?? "")),
  );
  return { ended, stdout, stderr };
};

/** Whether user namespaces work here: containers and some systems forbid them. */
export const hasNamespaces =
  spawnSync("bwrap", ["--ro-bind", "/", "/", "--unshare-pid", "true"]).status === 0;
export const WITHOUT_NAMESPACES = "bubblewrap is not installed or may not make namespaces here";
