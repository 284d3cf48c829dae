import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { mutate, parseMutant, readMutants } from "./mutant.ts";

const root = path.join(import.meta.dirname, "..", "..");
const mutants = readMutants();
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");

test("there are at least twenty planted bugs", () => {
  expect(mutants.length).toBeGreaterThanOrEqual(20);
});

describe.each(mutants)("the planted bug $name", (mutant) => {
  test("still applies, to a source of the product, and changes it", () => {
    expect(mutant.file).toMatch(/^(packages|client|coordinator)\/[\w/-]*src\/[\w/.-]+\.ts$/u);
    expect(mutate(mutant, read(mutant.file))).not.toBe(read(mutant.file));
  });

  test("names a test that exists", () => {
    expect(read(mutant.testFile)).toContain(mutant.testName);
  });
});

describe("a patch", () => {
  const text = `Bug: one is two.
Killed by: test/a.test.ts
Test: adds

--- a/packages/a/src/a.ts
+++ b/packages/a/src/a.ts
@@ -1,3 +1,3 @@
 before
-one
+two
 after
`;
  const mutant = parseMutant("a", text);

  test("replaces what it names", () => {
    expect(mutate(mutant, "first\nbefore\none\nafter\nlast\n")).toBe("first\nbefore\ntwo\nafter\nlast\n");
  });

  test("does not apply where it fits nowhere, or in two places", () => {
    expect(() => mutate(mutant, "before\n1\nafter\n")).toThrow("does not apply");
    expect(() => mutate(mutant, "before\none\nafter\nbefore\none\nafter\n")).toThrow("does not apply");
  });

  test("needs its head", () => {
    expect(() => parseMutant("a", text.replace("Test: ", "test "))).toThrow('no line "Test: …"');
  });
});
