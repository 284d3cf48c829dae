#!/usr/bin/env node
// Makes a virtual environment by pip in `.cache/interop` and runs every check in test/interop against the Python
// libraries that others use. BULKHEAD_INTEROP_PYTHON names an interpreter that has them already.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { CannotFetch, pythonWithPip } from "./artefacts.mjs";
import { must, root, setUp, start } from "./install.mjs";

const VENV = path.join(root, ".cache", "interop");
const PACKAGES = ["torch==2.15.0", "transformers==5.24.0", "peft==0.21.2"];

const run = (command, args) => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return;
  throw new CannotFetch((stderr ?? "").trim().split("\n").at(-1) || error?.message || `exit code ${status}`);
};

/** The marker, since asking pip takes seconds. */
const pythonOfVenv = () => {
  const python = path.join(VENV, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const marker = path.join(VENV, "installed");
  if (fs.existsSync(marker) && fs.readFileSync(marker, "utf8") === PACKAGES.join(" ")) return python;
  if (!fs.existsSync(python)) run(pythonWithPip(), ["-m", "venv", VENV]);
  console.log(`installing ${PACKAGES.join(", ")} …`);
  run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  fs.writeFileSync(marker, PACKAGES.join(" "));
  return python;
};

await setUp();
try {
  process.env.BULKHEAD_INTEROP_PYTHON ??= pythonOfVenv();
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
      ...process.argv.slice(2),
    ]),
  );
