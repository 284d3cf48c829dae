/** The scenarios hold: the same files, the same real processes as on the command line. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-scenarios-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("scenario", () => {
  test.each(["dropout", "malicious-coordinator", "coordinator-crash"])("%s holds", (name) => {
    const out = path.join(folder, name);
    const bin = path.join(root, "scenarios", "bin", "bulkhead-scenario.js");
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, "run", name, "--out", out], {
      encoding: "utf8",
    });
    expect(status, `${stdout}\n${stderr}`).toBe(0);
    const report: unknown = JSON.parse(fs.readFileSync(path.join(out, "report.json"), "utf8"));
    expect(report).toMatchObject({ kind: "bulkhead/scenario", scenario: name, held: true });
  });
});
