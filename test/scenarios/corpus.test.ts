import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readCorpus } from "@bulkhead/scenarios";
import { freshFolder } from "../launch.ts";
import { tarball } from "./mail.ts";

const archive = (files: Readonly<Record<string, string>>): string => {
  const file = path.join(freshFolder(), "corpus.tgz");
  fs.writeFileSync(file, tarball(files));
  return file;
};

const one = (text: string): string => JSON.stringify({ id: "x", group: "y", text });

test("mails are read in the order of groups and names, whatever the archive's order; other files are not", async () => {
  const file = archive({
    "package/README.md": "# no",
    "package/data/spam-1/00001.json": one("spam"),
    "package/data/easy-ham-1/00002.json": one("b".repeat(600)),
    "package/data/easy-ham-1/00002.txt": "b",
    "package/data/easy-ham-1/00001.json": one("a"),
    "package/data/elsewhere/00001.json": one("no"),
  });
  const mails = await readCorpus(file);
  expect(mails.map((mail) => [mail.file, mail.spam, mail.source.length])).toEqual([
    ["easy-ham-1/00001.json", false, 1],
    ["easy-ham-1/00002.json", false, 600],
    ["spam-1/00001.json", true, 4],
  ]);
});

test("a mail without a text is refused by name", async () => {
  const file = archive({ "package/data/spam-2/00009.json": `{"id":"x"}` });
  await expect(readCorpus(file)).rejects.toMatchObject({
    name: "InputError",
    message: expect.stringContaining("spam-2/00009.json"),
  });
});
