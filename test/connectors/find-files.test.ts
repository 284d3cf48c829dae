import fs from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { asOrdinaryUser } from "../ordinary-user.ts";
import { allRows } from "./rows.ts";

const folderWith = (...names: readonly string[]): string => {
  const folder = freshFolder();
  for (const name of names) {
    fs.mkdirSync(join(folder, name, ".."), { recursive: true });
    fs.writeFileSync(join(folder, name), `{"from":${JSON.stringify(name)}}\n`);
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
    expect(await filesRead("/", join(folder, "*.jsonl"))).toEqual(["a.jsonl", "b.jsonl"]);
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

  test("that lead to one file are read once, under the first of its names", async () => {
    const folder = folderWith("b.jsonl", "sub/c.jsonl");
    fs.symlinkSync("b.jsonl", join(folder, "a.jsonl"));
    fs.symlinkSync("sub", join(folder, "also"));
    const rows = await allRows({ type: "jsonl", paths: ["**/*.jsonl", "b.jsonl"], folder });
    expect(rows.map(({ place }) => place)).toEqual([
      `${join(folder, "a.jsonl")}:1`,
      `${join(folder, "also/c.jsonl")}:1`,
    ]);
  });

  test("with links that lead in a circle come to an end, with each file once", async () => {
    const folder = folderWith("a.jsonl", "sub/b.jsonl");
    fs.symlinkSync("..", join(folder, "sub", "up"));
    fs.symlinkSync("itself", join(folder, "itself"));
    expect(await filesRead(folder, "**/*.jsonl")).toEqual(["a.jsonl", "sub/b.jsonl"]);
  });

  test("do not match links that lead nowhere", async () => {
    const folder = folderWith("a.jsonl");
    fs.symlinkSync("gone", join(folder, "b.jsonl"));
    expect(await filesRead(folder, "*.jsonl")).toEqual(["a.jsonl"]);
    await expect(filesRead(folder, "b.jsonl")).rejects.toMatchObject({ code: "data-missing" });
  });

  test("that lead into a folder which this user may not list are refused, naming the folder", async () => {
    const folder = folderWith("a.jsonl", "sub/b.jsonl", "other/c.jsonl");
    fs.chmodSync(folder, 0o755);
    fs.chmodSync(join(folder, "sub"), 0o311);
    const reading = (path: string) => asOrdinaryUser(() => filesRead(folder, path));
    await expect(reading("**/*.jsonl")).rejects.toMatchObject({
      code: "data-not-readable",
      place: join(folder, "sub"),
      problem: "this user may not read it",
    });
    expect(await reading("other/*.jsonl")).toEqual(["other/c.jsonl"]);
    fs.chmodSync(join(folder, "sub"), 0o755);
  });
});
