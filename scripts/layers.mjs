#!/usr/bin/env node
// The layer table and the doors, checked. Fails on a forbidden import, on a cycle, and when nothing was seen:
// a checker that cruises zero modules reports success.
import { cruise } from "dependency-cruiser";
import { createRequire } from "node:module";
import path from "node:path";

const FOLDERS = ["packages", "client", "coordinator", "scenarios", "test"];
const LEAST_MODULES = 50;

const root = path.resolve(process.argv[2] ?? path.join(import.meta.dirname, ".."));
const least = Number(process.argv[3] ?? LEAST_MODULES);
process.chdir(root);
const { forbidden, options } = createRequire(import.meta.url)("../.dependency-cruiser.cjs");
const { output } = await cruise(FOLDERS, {
  ...options,
  ruleSet: { forbidden },
  validate: true,
  baseDir: root,
});
const { violations, totalCruised } = output.summary;
for (const { rule, from, to } of violations) console.error(`layers: ${from} → ${to}: ${rule.name}`);
if (totalCruised < least) console.error(`layers: saw only ${totalCruised} modules; the check is blind`);
if (violations.length > 0 || totalCruised < least) process.exit(1);
console.log(`layers: ${totalCruised} modules, no forbidden import, no cycle`);
