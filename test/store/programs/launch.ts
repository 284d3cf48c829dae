/** Runs a program of this folder from unbuilt sources, as a process that a test may kill. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A fresh folder that goes when the test is over. */
export const freshFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
};

export const programPath = (name: string): string => fileURLToPath(new URL(`./${name}.ts`, import.meta.url));

export const nodeArguments = (name: string, args: readonly string[], preload?: string): readonly string[] => [
  "--conditions=bulkhead-src",
  "--import",
  "tsx",
  ...(preload === undefined ? [] : ["--import", programPath(preload)]),
  programPath(name),
  ...args,
];

interface Launch {
  readonly preload?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the rest, as `bwrap` does. */
  readonly inside?: readonly string[];
}

export interface Running {
  readonly child: ChildProcess;
  /** The lines that it has printed, as they come. */
  readonly lines: AsyncIterableIterator<string>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export const launch = (name: string, args: readonly string[], options: Launch = {}): Running => {
  const [command, ...rest] = [
    ...(options.inside ?? []),
    process.execPath,
    ...nodeArguments(name, args, options.preload),
  ];
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

/** Whether user namespaces work here: containers and some systems forbid them. */
export const hasNamespaces =
  spawnSync("bwrap", ["--ro-bind", "/", "/", "--unshare-pid", "true"]).status === 0;
export const WITHOUT_NAMESPACES = "bubblewrap is not installed or may not make namespaces here";
