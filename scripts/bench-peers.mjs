#!/usr/bin/env node
// Sets up the peers by pip and measures the same work there and here. What cannot be had is named.
import path from "node:path";
import { CannotFetch } from "./artefacts.mjs";
import { must, root, setUp, start } from "./install.mjs";
import { installGroup, openVenv } from "./python-venv.mjs";

const tell = (error) => {
  if (!(error instanceof CannotFetch)) throw error;
  console.error(`bench:peers: ${error.message}`);
};

await setUp();
let python;
try {
  python = openVenv();
} catch (error) {
  tell(error);
  process.exit(1);
}
const missing = [];
for (const name of ["flower", "pytorch"])
  try {
    installGroup(name);
  } catch (error) {
    tell(error);
    missing.push("--without", name);
  }
const main = path.join(root, "test", "bench", "peers", "main.ts");
must(
  await start(process.execPath, [
    "--conditions=bulkhead-src",
    "--import",
    "tsx",
    main,
    "--python",
    python,
    ...missing,
    ...process.argv.slice(2),
  ]),
);
