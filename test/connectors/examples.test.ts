import { type ExampleSpec, openRows, readExamples } from "@bulkhead/connectors";
import { describe, expect, test } from "vitest";
import { fileWith } from "./rows.ts";

const SPEC: ExampleSpec = {
  columns: { text: "Body", label: "Class" },
  labels: ["ham", "spam"],
  longestText: 600,
  badRowLimit: { count: 100 },
};

const fromJsonl = (rows: readonly unknown[], spec: Partial<ExampleSpec> = {}) => {
  const lines = rows.map((row) => (typeof row === "string" ? row : JSON.stringify(row)));
  const source = openRows({ type: "jsonl", paths: [fileWith("mail.jsonl", lines.join("\n"))] });
  return readExamples(source, { ...SPEC, ...spec });
};

const GOOD = { Body: "a mail", Class: "ham" };

describe("examples", () => {
  test("are read from JSON Lines and from CSV alike", async () => {
    const wanted = {
      rows: [
        { text: "buy now", label: 1 },
        { text: "dear all, hello", label: 0 },
      ],
      total: 2,
      bad: [],
      badCount: 0,
      cutCount: 0,
      perLabel: [1, 1],
    };
    const { places, ...read } = await fromJsonl([
      { Body: "buy now", Class: "spam", Id: 7 },
      { Body: "dear all, hello", Class: "ham" },
    ]);
    expect(read).toEqual(wanted);
    expect(places.map((place) => place.split("/").at(-1))).toEqual(["mail.jsonl:1", "mail.jsonl:2"]);
    const csv = fileWith("mail.csv", 'Id,Class,Body\n7,spam,buy now\n8, ham ,"dear all, hello"\n');
    expect(await readExamples(openRows({ type: "csv", paths: [csv] }), SPEC)).toEqual({
      ...wanted,
      places: [`${csv}:2`, `${csv}:3`],
    });
  });

  test.each([
    ["a text that is none", { Body: 7, Class: "ham" }, "its text is no text"],
    ["an empty text", { Body: " \n", Class: "ham" }, "its text is empty"],
    ["a NUL character", { Body: "private\0", Class: "ham" }, "its text has a NUL character"],
    [
      "half a character",
      { Body: "private\uD800", Class: "ham" },
      "its text has half a character (a lone surrogate)",
    ],
    ["no text", { Class: "ham" }, 'it has no "Body"'],
    ["nothing", {}, 'it has no "Body" and no "Class"'],
    ["an unknown label", { Body: "private", Class: "eggs" }, 'its label is "eggs", not one of ham, spam'],
    [
      "a row's text for a label, which is not repeated",
      { Body: "private", Class: "dear private person" },
      "its label is a text of 19 characters, not one of ham, spam",
    ],
    ["an empty label", { Body: "private", Class: "" }, "its label is empty"],
    ["a label that is none", { Body: "private", Class: ["ham"] }, "its label is no text and no number"],
    ["no JSON", '{"Body": "private', "the line is not JSON (column 18)"],
  ])("with %s are bad rows, told with file and line and without their text", async (_, row, problem) => {
    const { rows, total, bad, badCount } = await fromJsonl([GOOD, row, GOOD]);
    expect(rows).toHaveLength(2);
    expect({ total, badCount }).toEqual({ total: 3, badCount: 1 });
    expect(bad.map((one) => [one.place.split("/").at(-1), one.problem])).toEqual([["mail.jsonl:2", problem]]);
  });

  test("of numbered labels take numbers and their digits, and nothing out of range", async () => {
    const labels = { integers: 3 };
    const classes = [0, "1", 2.0, 3, -1, 1.5, "01", "x"];
    const { rows, bad, perLabel } = await fromJsonl(
      classes.map((Class) => ({ Body: "a", Class })),
      { labels },
    );
    expect(rows.map((row) => row.label)).toEqual([0, 1, 2]);
    expect(perLabel).toEqual([1, 1, 1]);
    expect(bad.map(({ problem }) => problem)).toEqual(
      ["3", "-1", "1.5", "01", "x"].map((label) => `its label is "${label}", not a whole number from 0 to 2`),
    );
  });

  test("longer than the longest are cut, never within a character, and counted", async () => {
    const { rows, cutCount } = await fromJsonl(
      [
        { Body: "12345", Class: "ham" },
        { Body: "123456", Class: "ham" },
        { Body: "1234😀", Class: "ham" },
      ],
      { longestText: 5 },
    );
    expect(rows.map((row) => row.text)).toEqual(["12345", "12345", "1234"]);
    expect(cutCount).toBe(2);
  });
});

describe("bad rows", () => {
  const rows = (bad: number, good: number) => [
    ...Array.from({ length: bad }, () => ({ ...GOOD, Class: "eggs" })),
    ...Array.from({ length: good }, () => GOOD),
  ];

  test("are put up with up to the limit, as a number or as a share", async () => {
    await fromJsonl(rows(3, 7), { badRowLimit: { count: 3 } });
    await fromJsonl(rows(3, 7), { badRowLimit: { share: 0.3 } });
  });

  test.each([{ count: 2 }, { share: 0.29 }])(
    "above the limit (%j) are refused, with the first",
    async (limit) => {
      await expect(fromJsonl(rows(3, 7), { badRowLimit: limit })).rejects.toMatchObject({
        code: "data-bad-rows",
        problem: 'its label is "eggs", not one of ham, spam; 3 of 10 rows are bad, 2 are allowed',
      });
      await expect(fromJsonl(rows(3, 7), { badRowLimit: limit })).rejects.toThrow("mail.jsonl:1: ");
    },
  );

  test("alone are refused, whatever the limit", async () => {
    await expect(fromJsonl(rows(3, 0))).rejects.toMatchObject({ code: "data-bad-rows" });
  });

  test("are all counted, and the first twenty shown", async () => {
    const { bad, badCount } = await fromJsonl(rows(50, 1));
    expect(badCount).toBe(50);
    expect(bad).toHaveLength(20);
  });
});

describe("a source without examples", () => {
  test.each(["", "\n\n"])("(%j) is refused as empty", async (content) => {
    const source = openRows({ type: "jsonl", paths: [fileWith("mail.jsonl", content)] });
    await expect(readExamples(source, SPEC)).rejects.toMatchObject({
      code: "data-empty",
      place: source.describe,
    });
  });

  test("because its columns have other names is refused with those there are", async () => {
    await expect(fromJsonl([{ id: 1, body: "a", class: "ham" }])).rejects.toMatchObject({
      code: "data-columns",
      problem: 'there is no column "Body" and no column "Class"',
      cure: 'name one of those there are: "id", "body", "class"',
    });
    const csv = fileWith("mail.csv", "Body,class\na,ham\n");
    await expect(readExamples(openRows({ type: "csv", paths: [csv] }), SPEC)).rejects.toMatchObject({
      code: "data-columns",
      problem: 'there is no column "Class"',
    });
  });

  test("is not read to its end to find out that a column is missing", async () => {
    let given = 0;
    const endless = {
      describe: "an endless source",
      async *rows() {
        for (;;) yield { type: "row", place: `endless:${++given}`, fields: { text: "a" } } as const;
      },
    };
    await expect(readExamples(endless, SPEC)).rejects.toMatchObject({ code: "data-columns" });
    expect(given).toBe(1000);
  });
});
