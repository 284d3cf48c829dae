#!/usr/bin/env node
// The main job from a fresh clone: installs, builds, fetches model and mail, then runs the scenario with real processes.
import path from "node:path";
import { must, root, setUp, start } from "./install.mjs";

const begun = performance.now();
if (!(await setUp())) process.exit(1);
const scenario = path.join(root, "scenarios", "bin", "bulkhead-scenario.js");
must(await start(process.execPath, [scenario, "run", "quickstart", ...process.argv.slice(2)]));
console.log(`quickstart: ${((performance.now() - begun) / 1000).toFixed(1)} s in all`);
