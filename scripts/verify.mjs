#!/usr/bin/env node
// One command that proves the tree: types, lint, format, layers, dead code, unit tests. Well under a minute.
import { spawn } from "node:child_process";
import path from "node:path";

process.chdir(path.join(import.meta.dirname, ".."));

const secondsSince = (started) => `${((performance.now() - started) / 1000).toFixed(1)} s`;

const run = (name, command, args) =>
  new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.on("close", (code) => {
      if (code !== 0) console.log(output);
      console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} ${secondsSince(started)}`);
      resolve(code === 0);
    });
  });

const begun = performance.now();
const bin = (name) => path.join("node_modules", ".bin", name);
// What it emits is what lint reads.
const results = [await run("types", bin("tsc"), ["-b"])];
results.push(
  ...(await Promise.all([
    run("lint", bin("oxlint"), ["--type-aware"]),
    run("format", bin("oxfmt"), ["--check"]),
    run("layers", process.execPath, ["scripts/layers.mjs"]),
    run("dead code", bin("knip"), ["--cache"]),
    run("unit tests", bin("vitest"), ["run", "--project", "unit"]),
  ])),
);
console.log(`verify: ${secondsSince(begun)}`);
process.exit(results.every(Boolean) ? 0 : 1);
