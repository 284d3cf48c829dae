import { utf8 } from "@bulkhead/base";
import type { RowsSpec } from "@bulkhead/connectors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codePoint } from "../code-point.ts";
import { allRows, fileWith, told } from "./rows.ts";

const jsonl = (content: string | Uint8Array, longestRow = 1000): RowsSpec => ({
  type: "jsonl",
  paths: [fileWith("mail.jsonl", content)],
  longestRow,
});

describe("JSON Lines", () => {
  test.each([
    ["LF", '{"a":1}\n{"a":2}\n'],
    ["CR LF", '{"a":1}\r\n{"a":2}\r\n'],
    ["no end of the last line", '{"a":1}\n{"a":2}'],
    ["a byte order mark", '\uFEFF{"a":1}\n{"a":2}\n'],
  ])("with %s give one row a line", async (_, content) => {
    expect(await told(jsonl(content))).toEqual(['1 {"a":1}', '2 {"a":2}']);
  });

  test("keep the numbers of lines over empty ones, which are no rows", async () => {
    expect(await told(jsonl('\n{"a":1}\n\r\n  \n{"a":2}\n\n'))).toEqual(['2 {"a":1}', '5 {"a":2}']);
  });

  test.each([
    ["no JSON", "{a: private}", "the line is not JSON (column 2)"],
    ["half an object", '{"a": "private', "the line is not JSON (column 15)"],
    ["a bare word", "private", "the line is not JSON"],
    ["a list", '["private"]', "the line is no JSON object"],
    ["null", "null", "the line is no JSON object"],
    ["a NUL byte", '{"a":"\0"}', "the line has a NUL byte"],
    ["a line beyond the bound", `{"a":"${"x".repeat(1000)}"}`, "the line is longer than 1000 bytes"],
    ["deep nesting", "[".repeat(999), "the line is not JSON"],
  ])("with %s give a bad row that repeats nothing of it, and go on", async (_, line, problem) => {
    const rows = await told(jsonl(`{"a":1}\n${line}\n{"a":2}\n`));
    expect(rows[1]).toMatch(/^2 BAD /u);
    expect(rows[1]).toContain(problem);
    expect(rows[1]).not.toContain("private");
    expect([rows[0], rows[2]]).toEqual(['1 {"a":1}', '3 {"a":2}']);
  });

  test("that are not UTF-8 give a bad row for each line that is not", async () => {
    const bytes = new Uint8Array([...utf8('{"a":"'), 0xe9, ...utf8('"}\n{"a":"é"}\n')]);
    expect(await told(jsonl(bytes))).toEqual(["1 BAD the line is not UTF-8", '2 {"a":"é"}']);
  });

  test("take a line of exactly the bound, whichever its end", async () => {
    const line = JSON.stringify({ a: "x".repeat(20) });
    for (const end of ["", "\n", "\r\n"])
      expect(await told(jsonl(line + end, line.length))).toEqual([`1 ${line}`]);
    expect(await told(jsonl(`${line}\n`, line.length - 1))).toEqual([
      `1 BAD the line is longer than ${line.length - 1} bytes`,
    ]);
  });

  test("with a key named __proto__ have it as a field like any other", async () => {
    const [row] = await allRows(jsonl('{"__proto__": {"a": 1}}\n'));
    expect(row?.type === "row" && Object.keys(row.fields)).toEqual(["__proto__"]);
  });

  test("are read as they were written, wherever the pieces of the file are cut", async () => {
    const values = fc.array(fc.record({ text: fc.string({ unit: codePoint, maxLength: 30 }) }), {
      minLength: 1,
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(values, fc.integer({ min: 64_000, max: 65_600 }), async (rows, padding) => {
        // The padding moves the rows over the border between two pieces of 64 KiB.
        const first = JSON.stringify({ text: "p".repeat(padding) });
        const content = [first, ...rows.map((row) => JSON.stringify(row))].join("\n");
        const read = await allRows(jsonl(content, 100_000));
        expect(read.slice(1).map((row) => row.type === "row" && row.fields)).toEqual(rows);
      }),
      { numRuns: 25 },
    );
  });
});

test("UTF-16 is refused with its cure before a row is read", async () => {
  const spec = jsonl(new Uint8Array([0xff, 0xfe, 0x7b, 0]));
  await expect(allRows(spec)).rejects.toMatchObject({
    code: "data-encoding",
    place: spec.paths[0],
    cure: "save the file as UTF-8",
  });
});
