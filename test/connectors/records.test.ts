import fs from "node:fs";
import path from "node:path";
import { openRows, readRecords, type RecordSpec } from "@bulkhead/connectors";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const SPEC: RecordSpec = {
  columns: new Map([
    ["subject", "Subject"],
    ["body", "body"],
  ]),
  lists: new Set(),
  longestText: 10,
  badRowLimit: { count: 9 },
};

const read = (rows: readonly object[], spec: Partial<RecordSpec> = {}) => {
  const file = path.join(freshFolder(), "rows.jsonl");
  fs.writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return readRecords(openRows({ type: "jsonl", paths: [file] }), { ...SPEC, ...spec });
};

test("columns come by the names of the contract, numbers as text, long texts cut, and no others", async () => {
  const { rows, cutCount, places } = await read([
    { Subject: "a subject that is long", body: 7, secret: "x" },
    { Subject: "", body: "text" },
  ]);
  expect(rows).toEqual([
    { subject: "a subject ", body: "7" },
    { subject: "", body: "text" },
  ]);
  expect(cutCount).toBe(1);
  expect(places[1]).toMatch(/rows\.jsonl:2$/u);
});

test("rows without a column, with something else in it, or with nothing at all are bad, and no text is repeated", async () => {
  const { rows, bad } = await read([
    { Subject: "a", body: "b" },
    { Subject: "a" },
    { Subject: ["secret"], body: "b" },
    { Subject: "", body: "" },
    { Subject: "secret\0", body: "b" },
  ]);
  expect(rows).toHaveLength(1);
  expect(bad.map(({ problem }) => problem)).toEqual([
    'it has no "body"',
    'its "Subject" is no text',
    "all its texts are empty",
    'its "Subject" has a NUL character',
  ]);
  expect(JSON.stringify(bad)).not.toContain("secret");
  await expect(read([{ Subject: "a" }])).rejects.toMatchObject({ code: "data-columns" });
});

test("a column of messages may hold a list, or its JSON, and is not cut", async () => {
  const messages = [{ role: "user", content: "a question of some length" }];
  const spec = { columns: new Map([["messages", "chat"]]), lists: new Set(["messages"]) };
  const { rows } = await read([{ chat: messages }, { chat: JSON.stringify(messages) }], spec);
  expect(rows).toEqual([{ messages }, { messages: JSON.stringify(messages) }]);
});
