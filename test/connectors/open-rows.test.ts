import { openRows } from "@bulkhead/connectors";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { allRows } from "./rows.ts";

const folderWith = (...names: readonly string[]): string => {
  const folder = freshFolder();
  for (const name of names) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), `{"from":${JSON.stringify(name)}}\n`);
  }
  return folder;
};

const filesRead = async (folder: string, ...paths: readonly string[]): Promise<readonly unknown[]> =>
  (await allRows({ type: "jsonl", paths, folder })).map((row) => row.type === "row" && row.fields["from"]);

describe("paths", () => {
  test("are files and globs; the files are read in the order of their names, each once", async () => {
    const folder = folderWith(
      "b.jsonl",
      "a.jsonl",
      "sub/c.jsonl",
      "sub/deep/d.jsonl",
      "note.txt",
      ".e.jsonl",
    );
    expect(await filesRead(folder, "b.jsonl")).toEqual(["b.jsonl"]);
    expect(await filesRead(folder, "*.jsonl")).toEqual(["a.jsonl", "b.jsonl"]);
    expect(await filesRead(folder, "b.jsonl", "*.jsonl", join(folder, "a.jsonl"))).toEqual([
      "a.jsonl",
      "b.jsonl",
    ]);
    expect(await filesRead(folder, "**/*.jsonl")).toEqual([
      "a.jsonl",
      "b.jsonl",
      "sub/c.jsonl",
      "sub/deep/d.jsonl",
    ]);
    expect(await filesRead(folder, "{a,b}.jsonl", "sub/?.jsonl")).toEqual([
      "a.jsonl",
      "b.jsonl",
      "sub/c.jsonl",
    ]);
    expect(await filesRead(folder, ".*.jsonl")).toEqual([".e.jsonl"]);
    expect(await filesRead(join(folder, "sub"), "../a.jsonl", "../*.txt")).toEqual(["a.jsonl", "note.txt"]);
  });

  test("that exist are files, whatever characters they have", async () => {
    const folder = folderWith("mail [1].jsonl", "mail 1.jsonl", "all*.jsonl");
    expect(await filesRead(folder, "mail [1].jsonl")).toEqual(["mail [1].jsonl"]);
    expect(await filesRead(folder, "all*.jsonl")).toEqual(["all*.jsonl"]);
  });

  test.each([
    ["no.jsonl", "there is no such file"],
    ["*.csv", "no file matches"],
    ["a.jsonl/b.jsonl", "there is no such file"],
  ])("that lead nowhere (%s) are named", async (path, problem) => {
    const folder = folderWith("a.jsonl");
    await expect(filesRead(folder, "a.jsonl", path)).rejects.toMatchObject({
      code: "data-missing",
      place: join(folder, path),
      problem,
    });
  });

  test("that are folders are named, with the cure", async () => {
    const folder = folderWith("sub/a.jsonl");
    await expect(filesRead(folder, "sub")).rejects.toMatchObject({
      code: "data-not-readable",
      place: join(folder, "sub"),
      cure: "name the files in it, with * if you like",
    });
  });

  test.skipIf(process.getuid?.() === 0)("that this user may not read are named", async () => {
    const folder = folderWith("a.jsonl");
    chmodSync(join(folder, "a.jsonl"), 0);
    await expect(filesRead(folder, "a.jsonl")).rejects.toMatchObject({ code: "data-not-readable" });
  });
});

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
    writeFileSync(join(folder, "f"), line.repeat(400_000));
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
    expect(count).toBeLessThan(400_000 - 1);
  },
);

test.each([{ delimiter: "" }, { delimiter: ",," }, { delimiter: "§" }, { quote: "," }])(
  "a CSV form that cannot be (%j) is refused",
  (form) => {
    expect(() => openRows({ type: "csv", paths: ["f"], ...form })).toThrow("ASCII character");
  },
);
