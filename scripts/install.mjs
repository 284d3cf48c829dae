// What a fresh clone needs before anything else can run: packages and built sources. Needs nothing but Node and npm.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

export const root = path.join(import.meta.dirname, "..");

/** Runs a command in the repository, its output passed through, and gives its exit code. */
export const run = (command, args) => {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
  if (error) console.error(`${command}: ${error.message}`);
  return status ?? 1;
};

/** The same, where nothing can go on without it. */
export const must = (command, args) => {
  const status = run(command, args);
  if (status !== 0) process.exit(status);
};

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old: Bulkhead needs 20.19 or newer.`);
  process.exit(2);
}

/** Installs the locked packages unless they are there already, then builds. */
export const installAndBuild = () => {
  if (!isInstalled()) {
    console.log("Installing packages (npm ci) …");
    must("npm", ["ci", "--no-audit", "--no-fund"]);
  }
  must(process.execPath, [path.join(root, "node_modules", "@typescript", "native", "bin", "tsc"), "-b"]);
};

/** npm writes a copy of the lockfile beside what it installed; it is older than the lockfile after a pull. */
const isInstalled = () => {
  const installed = path.join(root, "node_modules", ".package-lock.json");
  const locked = path.join(root, "package-lock.json");
  return fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(locked).mtimeMs;
};
