/** Appends numbered entries without end and prints the number of each that the journal has taken. */
import { openJournal } from "@bulkhead/store";
import fs from "node:fs";
import { textCodec } from "./text-codec.ts";

const [path = "", from = "0", count = "Infinity"] = process.argv.slice(2);
const journal = await openJournal(path, textCodec, { binding: Uint8Array.of(1) });
const end = Number(from) + Number(count);
for (let i = Number(from); i < end; i++) {
  // Long ones too, so that a kill finds a record half written.
  await journal.append(`${i} ${"x".repeat((i % 3) * 450_000)}`);
  fs.writeSync(1, `${i}\n`);
}
