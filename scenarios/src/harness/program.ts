/** A real process of the product: its lines, its end, and its death. */
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** The folder of the workspaces, or of the installed packages. */
const home = path.join(import.meta.dirname, "..", "..", "..");

/** The product's commands, and programs of the scenarios themselves. */
export type ProgramName =
  | "bulkhead-coordinator"
  | "bulkhead-client"
  | "cheating-coordinator"
  | "mail-baselines"
  | "folder-baselines";

const scenarios = path.join(import.meta.dirname, "..", "..", "dist");

const FILES: Readonly<Record<ProgramName, string>> = {
  "bulkhead-coordinator": path.join(home, "coordinator", "bin", "bulkhead-coordinator.js"),
  "bulkhead-client": path.join(home, "client", "bin", "bulkhead-client.js"),
  "cheating-coordinator": path.join(scenarios, "malicious", "cheating-coordinator.js"),
  "mail-baselines": path.join(scenarios, "mail", "mail-baselines.js"),
  "folder-baselines": path.join(scenarios, "folders", "folder-baselines.js"),
};

export interface ProgramOptions {
  readonly program: ProgramName;
  readonly args: readonly string[];
  /** Everything the process prints is kept here. */
  readonly log: string;
  /** Given to node before the program: `--import` of a hook. */
  readonly nodeOptions?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Program {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  #isOver = false;

  constructor({ program, args, log, nodeOptions = [], env = {} }: ProgramOptions) {
    if (isStageClosed) throw new Error(`the stage is closed: ${program} is not started`);
    const file = fs.createWriteStream(log, { flags: "a" });
    // A group of its own, so that a kill takes the whole family, as pulling a plug would.
    this.#child = spawn(process.execPath, [...nodeOptions, FILES[program], ...args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null)
        createInterface({ input: stream }).on("line", (line) => {
          file.write(`${line}\n`);
          this.#lines.push(line);
          this.#tell();
        });
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        this.#isOver = true;
        running.delete(this);
        file.end();
        this.#tell();
        resolve({ code, signal });
      });
    });
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The first printed line, from `from` on, for which `find` gives something; throws when time or process end first. */
  async line<T>(find: (line: string) => T | undefined, { withinMs = 60_000, from = 0 } = {}): Promise<T> {
    const deadline = Date.now() + withinMs;
    for (let at = from; ;) {
      for (; at < this.#lines.length; at++) {
        const found = find(this.#lines[at]!);
        if (found !== undefined) return found;
      }
      const left = deadline - Date.now();
      if (this.#isOver || left <= 0)
        throw new Error(
          `${this.#isOver ? "ended" : "silent"} before the line came; last: ${this.#lines.at(-1) ?? "-"}`,
        );
      await this.#news(left);
    }
  }

  /** `undefined` where it is still running then. */
  async endedWithin(ms: number): Promise<Ended | undefined> {
    const timer = new AbortController();
    const late = sleep(ms, undefined, { signal: timer.signal }).catch(() => undefined);
    try {
      return await Promise.race([this.ended, late]);
    } finally {
      timer.abort();
    }
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    if (this.#isOver || this.#child.pid === undefined) return;
    try {
      process.kill(signal === "SIGKILL" ? -this.#child.pid : this.#child.pid, signal);
    } catch {
      // It ended by itself in between.
    }
  }

  #news(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.#listeners.add(done);
    });
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

const running = new Set<Program>();

let isStageClosed = false;

/** Whatever happens to a scenario, none of its processes outlives it; none can be started after this. */
export const killAll = (): void => {
  isStageClosed = true;
  for (const program of running) program.kill("SIGKILL");
};

process.on("exit", killAll);
