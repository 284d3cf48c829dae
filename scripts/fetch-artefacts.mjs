#!/usr/bin/env node
// Fetches the encoder and the mail corpus (or what is named) into `.cache/`, once.
//   node scripts/fetch-artefacts.mjs [tensorflow] [minilm] [smollm2] [mail]
import path from "node:path";
import { CannotFetch, fetchArtefact } from "./artefacts.mjs";

const names = process.argv.slice(2);
for (const name of names.length === 0 ? ["minilm", "mail"] : names) {
  const started = performance.now();
  try {
    const folder = path.relative(process.cwd(), fetchArtefact(name));
    console.log(`${name}: ${folder} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    if (!(error instanceof CannotFetch)) throw error;
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
