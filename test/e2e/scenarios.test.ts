/** The scenarios hold: the same files, the same real processes as on the command line. */
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");
const bin = path.join(root, "scenarios", "bin", "bulkhead-scenario.js");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-scenarios-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

/** On a machine with much else to do; alone they take one to three minutes. */
const PATIENCE_MS = 1_200_000;

describe("scenario", { timeout: PATIENCE_MS }, () => {
  test.each([
    ["dropout", []],
    ["malicious-coordinator", []],
    // Every place at which it can be killed comes in a first round too.
    ["coordinator-crash", ["--rounds", "1"]],
  ])("%s holds", (name, options) => {
    const out = path.join(folder, name);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [bin, "run", name, "--out", out, ...options],
      { encoding: "utf8" },
    );
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    const report: unknown = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8"));
    expect(report).toMatchObject({ kind: "bulkhead/scenario", scenario: name, held: true });
  });
});

/** How many processes name this folder in their command line. */
const processesIn = (place: string): number =>
  spawnSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.includes(place)).length;

test("Ctrl-C ends a scenario with code 5, and none of its processes outlives it", async () => {
  const out = path.join(folder, "interrupted");
  const child = spawn(process.execPath, [bin, "run", "dropout", "--out", out, "--json"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes("all seven have shared keys")) continue;
    expect(processesIn(out)).toBeGreaterThan(8);
    child.kill("SIGINT");
  }
  expect(await ended).toBe(5);
  await expect.poll(() => processesIn(out), { timeout: 5000 }).toBe(0);
});
