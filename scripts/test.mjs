#!/usr/bin/env node
// The whole test suite from a fresh clone: installs, builds, fetches what the tests use, runs everything, and ends with
// the line `N passed, N failed, N skipped`. On CI a skip is a failure, unless it is for hardware that CI cannot have.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { root, setUp, start } from "./install.mjs";

const HARDWARE = /needs (a GPU|a TEE|a bf16 processor)/u;

// Where a model, the mail or the native backend cannot be had, the tests that use them skip and say so.
await setUp("smollm2");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-test-"));
const outputFile = path.join(folder, "results.json");
const status = await start(process.execPath, [
  path.join(root, "node_modules", "vitest", "vitest.mjs"),
  "run",
  "--project=!long",
  "--reporter=default",
  "--reporter=json",
  `--outputFile.json=${outputFile}`,
  ...process.argv.slice(2),
]);

if (!fs.existsSync(outputFile)) {
  console.log("0 passed, 1 failed, 0 skipped");
  process.exit(status === 0 ? 1 : status);
}
const results = JSON.parse(fs.readFileSync(outputFile, "utf8"));
fs.rmSync(folder, { recursive: true });
const tests = results.testResults.flatMap((file) => file.assertionResults);
const skipped = tests.filter(
  (test) => test.status === "skipped" || test.status === "pending" || test.status === "todo",
);
for (const test of skipped) console.log(`skipped: ${test.fullName}`);
// A file that fails to load runs no test, and is a failure all the same.
const broken = results.testResults.filter(
  (file) => file.status === "failed" && file.assertionResults.length === 0,
);
const refused = process.env.CI ? skipped.filter((test) => !HARDWARE.test(test.fullName)) : [];
if (refused.length > 0) console.log(`${refused.length} skipped on CI that could have run there`);
const passed = tests.filter((test) => test.status === "passed").length;
const failed = tests.filter((test) => test.status === "failed").length + broken.length + refused.length;
console.log(`${passed} passed, ${failed} failed, ${skipped.length - refused.length} skipped`);
process.exit(failed > 0 || passed === 0 || status !== 0 ? 1 : 0);
