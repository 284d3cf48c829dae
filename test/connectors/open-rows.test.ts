import { openRows } from "@bulkhead/connectors";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

test.each(["jsonl", "csv"] as const)("a %s source can be read again, and says what it is", async (type) => {
  const folder = freshFolder();
  writeFileSync(join(folder, "f"), type === "csv" ? "a\n1\n2\n" : '{"a":1}\n{"a":2}\n');
  const source = openRows({ type, paths: ["f"], folder });
  expect(source.describe).toBe(`${type} files f`);
  for (let time = 0; time < 2; time++) {
    let count = 0;
    for await (const row of source.rows()) {
      expect(row.type).toBe("row");
      count++;
    }
    expect(count).toBe(2);
  }
});

test.each(["jsonl", "csv"] as const)(
  "a %s source stops when it is told to, and when nobody reads on",
  async (type) => {
    const folder = freshFolder();
    const line = type === "csv" ? "1\n" : '{"a":1}\n';
    writeFileSync(join(folder, "f"), line.repeat(100_000));
    const source = openRows({ type, paths: ["f"], folder });
    for await (const row of source.rows()) {
      expect(row.place).toMatch(/:[12]$/u);
      break;
    }
    const stop = new AbortController();
    let count = 0;
    const reading = async () => {
      for await (const row of source.rows(stop.signal)) {
        if (row.type === "row") count++;
        if (count === 10) stop.abort(new Error("told to stop"));
      }
    };
    await expect(reading()).rejects.toThrow("told to stop");
    expect(count).toBeLessThan(100_000 - 1);
  },
);

test.each([
  [{ delimiter: "" }, "ASCII character"],
  [{ delimiter: ",," }, "ASCII character"],
  [{ delimiter: "§" }, "ASCII character"],
  [{ quote: "," }, "another ASCII character"],
  [{ columns: [] }, "columns are distinct"],
  [{ columns: ["a", "b", "a"] }, "columns are distinct"],
])("a CSV form that cannot be (%j) is refused", (form, problem) => {
  expect(() => openRows({ type: "csv", paths: ["f"], ...form })).toThrow(problem);
});
