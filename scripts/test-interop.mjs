#!/usr/bin/env node
// Runs every check in test/interop against the Python libraries that others use, which pip sets up.
import fs from "node:fs";
import path from "node:path";
import { CannotFetch } from "./artefacts.mjs";
import { must, root, setUp, start } from "./install.mjs";
import { installGroup, openVenv } from "./python-venv.mjs";

await setUp();
let python;
try {
  python = openVenv();
  installGroup("pytorch");
} catch (error) {
  if (!(error instanceof CannotFetch)) throw error;
  console.error(`test:interop: ${error.message}`);
  process.exit(1);
}
const folder = path.join(root, "test", "interop");
for (const check of fs.readdirSync(folder).filter((name) => name.endsWith(".ts")))
  must(
    await start(process.execPath, [
      "--conditions=bulkhead-src",
      "--import",
      "tsx",
      path.join(folder, check),
      "--python",
      python,
    ]),
  );
