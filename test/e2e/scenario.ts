/** Scenarios as on the command line: the same files, the same real processes. */
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished } from "vitest";

const bin = path.join(import.meta.dirname, "..", "..", "scenarios", "bin", "bulkhead-scenario.js");

/** On a machine with much else to do; alone they take one to three minutes. */
export const PATIENCE_MS = 1_200_000;

export interface RunningScenario {
  /** A folder of its own, which goes when the test is over. */
  readonly out: string;
  readonly child: ChildProcess;
  /** Its exit code and all that it has printed. */
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
}

export const startScenario = (name: string, ...options: readonly string[]): RunningScenario => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-scenario-"));
  const out = path.join(folder, name);
  const child = spawn(process.execPath, [bin, "run", name, "--out", out, ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (output += data.toString()));
  const ended = new Promise<{ readonly code: number | null; readonly output: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, output })),
  );
  onTestFinished(async () => {
    // Its processes end with it.
    child.kill("SIGTERM");
    await ended;
    fs.rmSync(folder, { recursive: true, force: true });
  });
  return { out, child, ended };
};

/** Runs it to its end, and expects all that it promises. */
export const expectHeld = async (name: string, ...options: readonly string[]): Promise<void> => {
  const { out, ended } = startScenario(name, ...options);
  const { code, output } = await ended;
  expect(code, output).toBe(0);
  const report: unknown = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8"));
  expect(report).toMatchObject({ kind: "bulkhead/scenario", scenario: name, held: true });
};
