import { utf8 } from "@bulkhead/base";
import type { CsvForm, RowsSpec } from "@bulkhead/connectors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allRows, fileWith, told } from "./rows.ts";

const csv = (
  content: string | Uint8Array,
  form: CsvForm & { readonly longestRow?: number } = {},
): RowsSpec => ({
  type: "csv",
  paths: [fileWith("mail.csv", content)],
  ...form,
});

describe("CSV", () => {
  test.each([
    ["LF", "a,b\n1,x\n2,y\n"],
    ["CR LF", "a,b\r\n1,x\r\n2,y\r\n"],
    ["no end of the last line", "a,b\n1,x\n2,y"],
    ["a byte order mark", "\uFEFFa,b\n1,x\n2,y\n"],
    ["quotes", '"a","b"\n"1","x"\n"2","y"\n'],
  ])("with %s gives one row a record, by its columns", async (_, content) => {
    expect(await told(csv(content))).toEqual(['2 {"a":"1","b":"x"}', '3 {"a":"2","b":"y"}']);
  });

  test("names the line where a row begins, over line ends in fields and empty lines", async () => {
    const content = 'a,b\r\n"1\r\n1","x\r\n\r\n"\r\n\r\n2,y\r\n"3","\n"\r\n4,z\r\n';
    expect(await told(csv(content))).toEqual([
      String.raw`2 {"a":"1\r\n1","b":"x\r\n\r\n"}`,
      '7 {"a":"2","b":"y"}',
      String.raw`8 {"a":"3","b":"\n"}`,
      '10 {"a":"4","b":"z"}',
    ]);
  });

  test("takes another delimiter, other quotes or none, and columns named elsewhere", async () => {
    expect(await told(csv("a\tb\n1\t'x\ty'\n", { delimiter: "\t", quote: "'" }))).toEqual([
      String.raw`2 {"a":"1","b":"x\ty"}`,
    ]);
    expect(await told(csv('a;b\n1;5" pipe\n', { delimiter: ";", quote: null }))).toEqual([
      String.raw`2 {"a":"1","b":"5\" pipe"}`,
    ]);
    expect(await told(csv("1,x\n", { columns: ["a", "b"] }))).toEqual(['1 {"a":"1","b":"x"}']);
  });

  test("with rows of other lengths gives bad rows and goes on", async () => {
    expect(await told(csv("a,b\n1\n1,2,3\n2,y\n"))).toEqual([
      "2 BAD the row has 1 fields, not 2",
      "3 BAD the row has 3 fields, not 2",
      '4 {"a":"2","b":"y"}',
    ]);
  });

  test("with a row beyond the bound gives a bad row and goes on", async () => {
    expect(await told(csv(`a,b\n1,${"x".repeat(100)}\n2,y\n`, { longestRow: 50 }))).toEqual([
      "2 BAD the row is longer than 50 bytes",
      '3 {"a":"2","b":"y"}',
    ]);
  });

  test("that is not UTF-8 gives a bad row for each row that is not", async () => {
    const bytes = new Uint8Array([...utf8("a,b\n1,"), 0xe9, ...utf8("\n2,é钥\n")]);
    expect(await told(csv(bytes))).toEqual(["2 BAD a field is not UTF-8", '3 {"a":"2","b":"é钥"}']);
  });

  test.each([
    ["in the middle of a field", 'a,b\n1,x\n2,5" pipe\n3,y\n', 3, "in the middle of a field"],
    ["followed by more", 'a,b\n1,x\n2,"5" pipe\n3,y\n', 3, "in the middle of a field"],
    ["never closed", `a,b\n1,x\n2,"y\n${"3,z\n".repeat(50)}`, 3, "never closed"],
    ["never closed in a long file", `a,b\n1,x\n2,"y\n${"3,z\n".repeat(50_000)}`, 3, "never closed"],
    ["never closed in the first row", 'a,"b\n1,x\n', 1, "never closed"],
    ["closed before delimiters without end", `a,b\n1,x\n2,"y"${",".repeat(200_000)}`, 3, "has no end"],
  ])("with a quote %s is refused at the line of that row", async (...given) => {
    const [, content, line, problem] = given;
    const spec = csv(content, { longestRow: 100 });
    await expect(allRows(spec)).rejects.toMatchObject({
      code: "data-csv-form",
      place: `${spec.paths[0]}:${line}`,
    });
    await expect(allRows(spec)).rejects.toThrow(problem);
  });

  test("with two columns of one name is refused", async () => {
    const spec = csv("a,b,a\n1,2,3\n");
    await expect(allRows(spec)).rejects.toMatchObject({
      code: "data-columns",
      place: `${spec.paths[0]}:1`,
      problem: 'two columns are called "a"',
    });
  });

  test("with very many empty lines goes on after them", async () => {
    const empty = "\n".repeat(100_000) + "\r\n".repeat(100_000);
    expect(await told(csv(`a,b\n1,x\n${empty}2,y\n`, { longestRow: 100 }))).toEqual([
      '2 {"a":"1","b":"x"}',
      '200003 {"a":"2","b":"y"}',
    ]);
  });

  test("with an empty field in quotes as its only one has a row there", async () => {
    expect(await told(csv('a\n""\n\nx\n'))).toEqual(['2 {"a":""}', '4 {"a":"x"}']);
  });

  test("that is empty, or has its columns only, has no rows", async () => {
    expect(await told(csv(""))).toEqual([]);
    expect(await told(csv("a,b\n"))).toEqual([]);
  });

  test("is read as it was written, whatever the fields hold", async () => {
    const field = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 12 }),
      fc.stringMatching(/^[,"\r\n ax]{0,8}$/u),
    );
    const written = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(field, field), { maxLength: 8 }), async (records) => {
        const lines = [["a", "b"], ...records].map((record) => record.map(written).join(","));
        const read = await allRows(csv(`${lines.join("\r\n")}\r\n`));
        expect(read.map((row) => row.type === "row" && Object.values(row.fields))).toEqual(records);
        let line = 2;
        for (const [i, record] of records.entries()) {
          expect(read[i]?.place.endsWith(`:${line}`)).toBe(true);
          line += 1 + record.join("").split("\n").length - 1;
        }
      }),
      { numRuns: 60 },
    );
  });
});
