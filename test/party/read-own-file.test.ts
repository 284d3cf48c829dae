import fs from "node:fs";
import path from "node:path";
import { oneOf, record } from "@bulkhead/base";
import { parseJson, readOwnFile } from "@bulkhead/party";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const shape = record({ format: oneOf("one/1") });

const reader = () => {
  const file = path.join(freshFolder(), "own.json");
  const read = () =>
    readOwnFile(file, {
      longest: 100,
      parse: (bytes) => shape(parseJson(bytes)),
      damaged: { code: "own-damaged", problem: "it is none", cure: "restore it" },
    });
  return { file, read };
};

test("a file that is not there is no error, one of ours is what it says", async () => {
  const { file, read } = reader();
  expect(await read()).toBeUndefined();
  fs.writeFileSync(file, '{"format":"one/1"}');
  expect(await read()).toEqual({ format: "one/1" });
});

test("a damaged one is told with its file and field, whatever the damage", async () => {
  const { file, read } = reader();
  for (const damage of ["", "{", "7", Buffer.from([0xff, 0xfe])]) {
    fs.writeFileSync(file, damage);
    await expect(read()).rejects.toMatchObject({ name: "InputError", code: "own-damaged", place: file });
  }
  fs.writeFileSync(file, '{"format":"two/1"}');
  await expect(read()).rejects.toMatchObject({ code: "own-damaged", place: `${file} format` });
});

test("one that is too long is another error", async () => {
  const { file, read } = reader();
  fs.writeFileSync(file, " ".repeat(101));
  await expect(read()).rejects.toMatchObject({ code: "file-too-large" });
});
