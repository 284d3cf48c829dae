#!/usr/bin/env node
// The main job from a fresh clone: installs, builds, fetches model and mail, then runs the scenario with real processes.
import path from "node:path";
import { installAndBuild, must, root } from "./install.mjs";

const started = performance.now();
let since = started;

/** Says how long the step took. */
const timed = (what, step) => {
  step();
  const now = performance.now();
  console.log(`quickstart: ${what} took ${((now - since) / 1000).toFixed(1)} s`);
  since = now;
};

const node = (...args) => must(process.execPath, args);

timed("installing and building", installAndBuild);
timed("fetching the encoder and the mail", () => node("scripts/fetch-artefacts.mjs"));
timed("the native backend", () => node("scripts/setup-native.mjs"));
timed("the scenario", () =>
  node(
    path.join(root, "scenarios", "bin", "bulkhead-scenario.js"),
    "run",
    "quickstart",
    ...process.argv.slice(2),
  ),
);
console.log(`quickstart: ${((performance.now() - started) / 1000).toFixed(1)} s in all`);
