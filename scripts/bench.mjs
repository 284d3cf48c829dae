#!/usr/bin/env node
// Measures what docs/performance.md tells, from a fresh clone too. Options go through: --list, --only NAME, --json FILE.
import path from "node:path";
import { must, root, setUp, start } from "./install.mjs";

const options = process.argv.slice(2);
// Without model or native backend the rows that need them say so.
if (!options.includes("--list")) await setUp();
const main = path.join(root, "test", "bench", "main.ts");
must(await start(process.execPath, ["--conditions=bulkhead-src", "--import", "tsx", main, ...options]));
