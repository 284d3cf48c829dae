/** A file of 100 MB is read in memory that does not grow with it, whatever is in it. */
import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freshFolder, runToEnd } from "../launch.ts";

const READ_ROWS = new URL("../connectors/programs/read-rows.ts", import.meta.url);
const SIZE = 100e6;
/** Beyond what a process takes that reads one row; the longest row is 1 MiB, and four times that may be looked at. */
const ROOM_MIB = 90;

const fileOf = (start: string, repeated: string): { readonly path: string; readonly count: number } => {
  const path = join(freshFolder(), "rows");
  const file = fs.openSync(path, "w");
  fs.writeSync(file, start);
  const times = Math.ceil(1e6 / repeated.length);
  const block = Buffer.from(repeated.repeat(times));
  let count = 0;
  for (; count * repeated.length < SIZE; count += times) fs.writeSync(file, block);
  fs.closeSync(file);
  return { path, count };
};

const read = async (type: "jsonl" | "csv", path: string, as = "rows") => {
  // A heap that could not hold the file.
  const env = { NODE_OPTIONS: "--max-old-space-size=80" };
  const { ended, stdout, stderr } = await runToEnd(READ_ROWS, [type, path, as], { env });
  expect({ ended, stderr }).toEqual({ ended: 0, stderr: "" });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the program prints it
  const { peakMiB, ...told } = JSON.parse(stdout) as { readonly peakMiB: number };
  return { peakMiB, told };
};

const measureLeast = async (): Promise<number> => {
  const path = join(freshFolder(), "one");
  fs.writeFileSync(path, '{"a":1}\n');
  return (await read("jsonl", path)).peakMiB;
};

let least: Promise<number> | undefined;
const leastMiB = (): Promise<number> => (least ??= measureLeast());

const TEXT = "the text of a mail, ".repeat(50);

describe("memory stays bounded", () => {
  test.each([
    ["jsonl", "", `${JSON.stringify({ text: TEXT, label: 1 })}\n`],
    ["csv", "text,label\n", `"${TEXT}",1\n`],
  ] as const)("over 100 MB of %s rows", async (type, start, row) => {
    const { path, count } = fileOf(start, row);
    const { told, peakMiB } = await read(type, path);
    expect(told).toEqual({ good: count, bad: 0, problem: "" });
    expect(peakMiB).toBeLessThan((await leastMiB()) + ROOM_MIB);
  });

  test("over one line of 100 MB, which is a bad row", async () => {
    const { told, peakMiB } = await read("jsonl", fileOf("", "private ").path);
    expect(told).toEqual({ good: 0, bad: 1, problem: "the line is longer than 1048576 bytes" });
    expect(peakMiB).toBeLessThan((await leastMiB()) + ROOM_MIB);
  });

  test.each([
    ["a quote that is never closed", 'a,b\n1,"', "private\n"],
    ["delimiters alone", "a,b\n", ","],
  ])("over 100 MB of CSV after %s, and is refused", async (_, start, repeated) => {
    const { told, peakMiB } = await read("csv", fileOf(start, repeated).path);
    expect(told).toEqual({
      refused: "data-csv-form",
      problem: "this row has no end: perhaps a quote in it is never closed",
    });
    expect(peakMiB).toBeLessThan((await leastMiB()) + ROOM_MIB);
  });

  test("over 100 MB of long texts, of which only the starts are kept", async () => {
    const { path, count } = fileOf("", `${JSON.stringify({ text: TEXT.repeat(100), label: 1 })}\n`);
    const { told, peakMiB } = await read("jsonl", path, "examples");
    expect(told).toEqual({ good: count, cutCount: count });
    expect(peakMiB).toBeLessThan((await leastMiB()) + ROOM_MIB);
  });
});
