import { EXIT, EXIT_OF_ERROR, exitCodeOf } from "@bulkhead/console";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the exit codes are the documented ones", () => {
  expect(EXIT).toEqual({ done: 0, failed: 1, usage: 2, refused: 3, unreachable: 4, interrupted: 5 });
});

test.each([
  ["config-unknown-key", 2],
  ["data-bad-rows", 2],
  ["passphrase-empty", 2],
  ["contract-unsigned", 3],
  ["policy-clause", 3],
  ["link-refused", 4],
  ["interrupted", 5],
  ["disk-full", 1],
  ["folder-in-use", 1],
  ["internal-error", 1],
  ["constructor", 1],
  ["", 1],
])("an error with the code %s ends a command with %i", (code, exit) => {
  expect(exitCodeOf(code)).toBe(exit);
});

test("the page about exit codes names each code and each family of errors, in the same words", () => {
  const page = readFileSync(new URL("../../docs/exit-codes.md", import.meta.url), "utf8").replaceAll(
    / +/gu,
    " ",
  );
  for (const [name, code] of Object.entries(EXIT)) expect(page).toContain(`| ${code} | ${name} |`);
  for (const code of Object.values(EXIT)) {
    const families = Object.keys(EXIT_OF_ERROR).filter((family) => EXIT_OF_ERROR[family] === code);
    const row = page.split("\n").find((line) => line.startsWith(`| ${code} |`)) ?? "";
    const named = [...row.matchAll(/`([a-z]+)-?`/gu)].map(([, family]) => family);
    expect(named).toEqual(families);
  }
});
