// Python's libraries that ours are held against, in a virtual environment of the repository's own: by pip, each group once.
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { CannotFetch, pythonWithPip } from "./artefacts.mjs";
import { root } from "./install.mjs";

const VENV = path.join(root, ".cache", "python");
const PYTHON = path.join(VENV, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

/** pip takes them from the index that it is set up for. */
const GROUPS = {
  flower: ["flwr==1.42.0", "numpy==2.4.6"],
  pytorch: ["torch==2.15.0", "transformers==5.24.0", "peft==0.21.2"],
};

const run = (command, args) => {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
  if (status === 0) return undefined;
  return (stderr ?? "").trim().split("\n").at(-1) || error?.message || `exit code ${status}`;
};

/** Its interpreter. Throws `CannotFetch`. */
export const openVenv = () => {
  const problem = fs.existsSync(PYTHON) ? undefined : run(pythonWithPip(), ["-m", "venv", VENV]);
  if (problem === undefined) return PYTHON;
  throw new CannotFetch(`Python's venv does not work (on Debian: apt install python3-venv): ${problem}`);
};

/** Of an open environment. A marker says what is there, since asking pip takes seconds. Throws `CannotFetch`. */
export const installGroup = (name) => {
  const packages = GROUPS[name];
  const marker = path.join(VENV, `${name}.installed`);
  if (fs.existsSync(marker) && fs.readFileSync(marker, "utf8") === packages.join(" ")) return;
  console.log(`installing ${packages.join(", ")} …`);
  const options = ["--quiet", "--disable-pip-version-check"];
  const problem = run(PYTHON, ["-m", "pip", "install", ...options, ...packages]);
  if (problem !== undefined)
    throw new CannotFetch(`${name} cannot be had here (${packages.join(", ")}): ${problem}`);
  fs.writeFileSync(marker, packages.join(" "));
};
