import fs from "node:fs";
import path from "node:path";
import { program } from "@bulkhead/scenarios";
import { expect, test, vi } from "vitest";
import { freshFolder } from "../launch.ts";

/** What it prints, and its exit code. */
const say = async (...args: readonly string[]) => {
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  try {
    return { exitCode: await program(args), text: lines.join("\n") };
  } finally {
    log.mockRestore();
  }
};

test("list names every scenario of the README, for people and for machines", async () => {
  const readme = fs.readFileSync(path.join(import.meta.dirname, "..", "..", "README.md"), "utf8");
  const { exitCode, text } = await say("list", "--json");
  const listed: unknown = JSON.parse(text);
  const told = [...readme.matchAll(/^\| `(?<name>[a-z-]+)` +\|/gmu)].map(({ groups }) => groups!["name"]);
  expect(exitCode).toBe(0);
  expect(listed).toEqual(told.map((name) => ({ name, summary: expect.any(String) })));
  const table = await say("list");
  for (const name of told) expect(table.text).toContain(name);
});

test.each([
  ["a scenario that does not exist", ["run", "dropuot"], "usage-unknown-scenario", "did you mean dropout?"],
  ["a scenario like no other", ["run", "xyzzy"], "usage-unknown-scenario", "choose one of quickstart"],
  ["no number of seeds", ["run", "dropout", "--seeds", "many"], "usage-option", "give how many seeds"],
  ["too many seeds", ["run", "dropout", "--seeds", "101"], "usage-option", "give how many seeds"],
])("%s is refused with its cure", async (_, args, code, cure) => {
  await expect(say(...args)).rejects.toMatchObject({ code, cure: expect.stringContaining(cure) });
});

test("a folder that is not empty is refused, and nothing in it is touched", async () => {
  const folder = freshFolder();
  fs.writeFileSync(path.join(folder, "mine"), "mine");
  await expect(say("run", "dropout", "--out", folder)).rejects.toMatchObject({ code: "path-not-empty" });
  expect(fs.readdirSync(folder)).toEqual(["mine"]);
});

test.each([[[]], [["list"]], [["run"]], [["data", "mail"]]])(
  "--help of %j has an example",
  async (command) => {
    const write = vi.spyOn(process.stdout, "write").mockImplementation(() => true);
    try {
      await expect(program([...command, "--help"])).rejects.toMatchObject({ exitCode: 0 });
      expect(write.mock.calls.map(String).join("")).toContain("$ npx bulkhead-scenario");
    } finally {
      write.mockRestore();
    }
  },
);
