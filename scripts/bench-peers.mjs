#!/usr/bin/env node
// Sets up the peers by pip in `.cache/peers` and measures the same work there and here. What cannot be had is named.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { CannotFetch, pythonWithPip } from "./artefacts.mjs";
import { must, root, setUp, start } from "./install.mjs";

const VENV = path.join(root, ".cache", "peers");
const PYTHON = path.join(VENV, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** What each peer is; pip takes them from the index that it is set up for. */
const PEERS = {
  flower: ["flwr==1.42.0", "numpy==2.4.6"],
  pytorch: ["torch==2.15.0", "transformers==5.24.0", "peft==0.21.2"],
};

const run = (command, args) => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  return (stderr ?? "").trim().split("\n").at(-1) || error?.message || `exit code ${status}`;
};

/** A marker for each peer, since asking pip takes seconds. */
const install = (name, packages) => {
  const marker = path.join(VENV, `${name}.installed`);
  if (fs.existsSync(marker) && fs.readFileSync(marker, "utf8") === packages.join(" ")) return undefined;
  console.log(`installing ${packages.join(", ")} …`);
  const problem = run(PYTHON, [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    ...packages,
  ]);
  if (problem === undefined) fs.writeFileSync(marker, packages.join(" "));
  return problem;
};

await setUp();
try {
  if (!fs.existsSync(PYTHON)) {
    const problem = run(pythonWithPip(), ["-m", "venv", VENV]);
    if (problem !== undefined)
      throw new CannotFetch(`Python's venv does not work (on Debian: apt install python3-venv): ${problem}`);
  }
} catch (error) {
  if (!(error instanceof CannotFetch)) throw error;
  console.error(`bench:peers: ${error.message}`);
  process.exit(1);
}
const missing = [];
for (const [name, packages] of Object.entries(PEERS)) {
  const problem = install(name, packages);
  if (problem === undefined) continue;
  missing.push("--without", name);
  console.log(`${name} cannot be had here (${packages.join(", ")}): ${problem}`);
}
const main = path.join(root, "test", "bench", "peers", "main.ts");
must(
  await start(process.execPath, [
    "--conditions=bulkhead-src",
    "--import",
    "tsx",
    main,
    "--python",
    PYTHON,
    ...missing,
    ...process.argv.slice(2),
  ]),
);
