#!/usr/bin/env node
// The main job from a fresh clone: installs, builds, fetches model and mail, then runs the scenario with real processes.
import path from "node:path";
import { installAndBuild, must, root } from "./install.mjs";

installAndBuild();
must(process.execPath, ["scripts/fetch-artefacts.mjs"]);
must(process.execPath, ["scripts/setup-native.mjs"]);
must(process.execPath, [
  path.join(root, "scenarios", "bin", "bulkhead-scenario.js"),
  "run",
  "quickstart",
  ...process.argv.slice(2),
]);
