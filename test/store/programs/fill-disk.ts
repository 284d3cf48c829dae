/**
 * Runs where the disk (its argument) is small: saves a file and a journal, fills the disk, tries both again, makes
 * room, goes on. Prints what happened, one line of JSON.
 */
import { InputError } from "@bulkhead/base";
import { openJournal, readFileBounded, writeFileAtomic } from "@bulkhead/store";
import fs from "node:fs";
import { join } from "node:path";
import { textCodec } from "./text-codec.ts";

const disk = process.argv[2] ?? "";
const codeOf = async (action: () => Promise<unknown>): Promise<string> => {
  try {
    await action();
    return "done";
  } catch (error) {
    if (error instanceof InputError) return error.code;
    throw error;
  }
};

const file = join(disk, "checkpoint");
const path = join(disk, "journal");
const binding = Uint8Array.of(1);
await writeFileAtomic(file, new Uint8Array(8_000).fill(1));
const journal = await openJournal(path, textCodec, { binding });
await journal.append("before");
const sizeBefore = fs.statSync(path).size;
fs.writeFileSync(join(disk, "ballast"), new Uint8Array(64_000));

const replaced = await codeOf(() => writeFileAtomic(file, new Uint8Array(200_000).fill(2)));
const appended = await codeOf(() => journal.append("y".repeat(200_000)));
const content = await readFileBounded(file, 10_000);
const sizeFull = fs.statSync(path).size;

fs.rmSync(join(disk, "ballast"));
const resumed = await codeOf(() => journal.append("after"));
journal.close();
const { entries, torn } = await openJournal(path, textCodec, { binding });
console.log(
  JSON.stringify({
    replaced,
    appended,
    contentKept: content.length === 8_000 && content.every((byte) => byte === 1),
    journalKept: sizeFull === sizeBefore,
    resumed,
    entries,
    torn: torn !== undefined,
    files: fs.readdirSync(disk).toSorted(),
  }),
);
