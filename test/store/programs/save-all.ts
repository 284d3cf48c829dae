/** Replaces a file and appends to a journal, some of each: what `kill-at-persist` interrupts. */
import { utf8 } from "@bulkhead/base";
import { openJournal, writeFileAtomic } from "@bulkhead/store";
import { join } from "node:path";
import { textCodec } from "./text-codec.ts";

const folder = process.argv[2] ?? "";
const journal = await openJournal(join(folder, "journal"), textCodec, { binding: Uint8Array.of(1) });
for (let i = journal.entries.length; i < 2; i++) {
  await writeFileAtomic(join(folder, "checkpoint"), utf8(`after ${i} entries`));
  await journal.append(`entry ${i}`);
}
console.log("finished");
