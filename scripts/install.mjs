// What a fresh clone needs before anything else can run: packages, built sources, model and mail, the native backend.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";

export const root = path.join(import.meta.dirname, "..");

/** Starts a command in the repository, its output passed through; gives its exit code when it has ended. */
export const start = (command, args) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit" });
    child.on("error", (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(1);
    });
    child.on("close", (code) => resolve(code ?? 1));
  });

/** Nothing can go on without what ended so. */
export const must = (status) => {
  if (status !== 0) process.exit(status);
};

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Node ${process.versions.node} is too old: Bulkhead needs 20.19 or newer.`);
  process.exit(2);
}

const node = (...args) => start(process.execPath, args);

/**
 * Everything that a fresh clone needs, and more artefacts by name, downloads and compilations side by side. Ends the
 * process where packages cannot be installed or built; gives whether the artefacts are there. Without the native
 * backend all goes on.
 */
export const setUp = async (...more) => {
  const begun = performance.now();
  const fetching = node("scripts/fetch-artefacts.mjs", "minilm", "mail", ...more);
  const fetchingNative = fetching.then(() => node("scripts/setup-native.mjs", "--only-fetch"));
  if (!isInstalled()) {
    console.log("Installing packages (npm ci) …");
    // Its scripts are ours, and run below, side by side.
    must(await start("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]));
  }
  const building = node(path.join("node_modules", "@typescript", "native", "bin", "tsc"), "-b");
  const bundling = node("scripts/bundle.mjs");
  const settingUpNative = fetchingNative.then(() => node("scripts/setup-native.mjs"));
  must(await building);
  must(await bundling);
  await settingUpNative;
  console.log(`Setting up took ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return (await fetching) === 0;
};

/** npm writes a copy of the lockfile beside what it installed; it is older than the lockfile after a pull. */
const isInstalled = () => {
  const installed = path.join(root, "node_modules", ".package-lock.json");
  const locked = path.join(root, "package-lock.json");
  return fs.existsSync(installed) && fs.statSync(installed).mtimeMs >= fs.statSync(locked).mtimeMs;
};
