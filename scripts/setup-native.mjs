#!/usr/bin/env node
// Builds the addon of @tensorflow/tfjs-node-gpu in place against the TensorFlow wheel from PyPI: the native backend.
// Without it everything works too, slower. A machine that cannot build says why in one line and exits 0 (1 with --strict).
//   node scripts/setup-native.mjs [--strict] [--only-fetch]
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { CannotFetch, fetchArtefact, pythonWithPip } from "./artefacts.mjs";

const ROOT = path.join(import.meta.dirname, "..");
const PACKAGE = path.join(ROOT, "node_modules", "@tensorflow", "tfjs-node-gpu");
const PINNED = "@tensorflow/tfjs-node-gpu@4.22.0";

const main = () => {
  const started = performance.now();
  const done = (what) =>
    console.log(`setup:native: ${what} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  refuseForeignPlatform();
  if (process.argv.includes("--only-fetch")) return void fetchArtefact("tensorflow");
  installPackage();
  if (existsSync(addon()) && selfTest() === undefined) return done("the native backend is ready");
  const wheel = fetchArtefact("tensorflow");
  linkLibrary(wheel);
  const kept = path.join(wheel, `tfjs_binding-napi${napiVersion()}-${process.arch}.node`);
  const built = existsSync(kept);
  if (built) place(kept, addon());
  else {
    compile();
    place(addon(), kept);
  }
  const problem = selfTest();
  if (problem === undefined)
    return done(built ? "the native backend is in place again" : "the native backend is built");
  // An addon that crashes would take every process with it that tries it.
  for (const file of [addon(), kept]) rmSync(file, { force: true });
  throw new CannotFetch(`the addon was built but fails its self-test: ${problem}`);
};

const refuseForeignPlatform = () => {
  const here = `${process.platform} ${process.arch}`;
  if (here !== "linux x64") throw new CannotFetch(`there is no recipe for ${here}, only for linux x64`);
  process.report.excludeNetwork = true;
  if (process.report.getReport().header.glibcVersionRuntime === undefined)
    throw new CannotFetch("TensorFlow needs glibc, and this system has another C library");
};

/** npm drops an optional package whose install script failed: then it is installed without its script. */
const installPackage = () => {
  if (existsSync(path.join(PACKAGE, "package.json"))) return;
  run("npm", ["install", "--ignore-scripts", "--no-save", "--no-audit", "--no-fund", PINNED]);
  if (!existsSync(path.join(PACKAGE, "package.json"))) throw new CannotFetch(`npm did not install ${PINNED}`);
};

const napiVersion = () => {
  const { binary } = JSON.parse(readFileSync(path.join(PACKAGE, "package.json"), "utf8"));
  return Math.max(...binary.napi_versions.filter((version) => version <= Number(process.versions.napi)));
};

const addon = () => path.join(PACKAGE, "lib", `napi-v${napiVersion()}`, "tfjs_binding.node");

const linkLibrary = (wheel) => {
  const link = (target, ...name) => {
    const place = path.join(PACKAGE, "deps", ...name);
    if (lstatSync(place, { throwIfNoEntry: false }) !== undefined) rmSync(place, { recursive: true });
    mkdirSync(path.dirname(place), { recursive: true });
    symlinkSync(target, place);
  };
  link(path.join(wheel, "include"), "include");
  // The linker is asked for -ltensorflow and writes down the SONAME that it finds behind it.
  for (const [library, asked] of [
    ["libtensorflow_cc.so.2", "libtensorflow.so"],
    ["libtensorflow_framework.so.2", "libtensorflow_framework.so"],
  ]) {
    link(path.join(wheel, library), "lib", library);
    link(library, "lib", asked);
  }
};

const place = (from, to) => {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, to);
};

const compile = () => {
  const compiler = process.env.CXX ?? "g++";
  for (const tool of [compiler, "make"])
    if (spawnSync(tool, ["--version"]).status !== 0)
      throw new CannotFetch(`${tool} is missing (on Debian: apt install g++ make)`);
  const headers = nodeHeaders();
  run(
    process.execPath,
    [
      nodeGyp(),
      "rebuild",
      `--jobs=${os.availableParallelism()}`,
      `--python=${pythonWithPip()}`,
      ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
      "--module_name=tfjs_binding",
      `--module_path=${path.dirname(addon())}`,
      `--napi_build_version=${napiVersion()}`,
    ],
    PACKAGE,
  );
  rmSync(path.join(PACKAGE, "build"), { recursive: true, force: true });
};

/** Node's own headers; `undefined` leaves it to node-gyp to fetch them. */
const nodeHeaders = () => {
  if (process.env.npm_config_nodedir !== undefined) return process.env.npm_config_nodedir;
  const prefix = path.dirname(path.dirname(realpathSync(process.execPath)));
  return existsSync(path.join(prefix, "include", "node", "node_api.h")) ? prefix : undefined;
};

/** node-gyp among the dependencies, else the one that every npm carries. */
const nodeGyp = () => {
  const npmRoots = [
    process.env.npm_execpath && path.dirname(path.dirname(process.env.npm_execpath)),
    path.join(path.dirname(path.dirname(realpathSync(process.execPath))), "lib", "node_modules", "npm"),
    path.join(run("npm", ["root", "--global"]).trim(), "npm"),
  ];
  for (const root of [ROOT, ...npmRoots.filter(Boolean)])
    try {
      return createRequire(path.join(root, "package.json")).resolve("node-gyp/bin/node-gyp.js");
    } catch {
      continue;
    }
  throw new CannotFetch("node-gyp is missing (npm install --global node-gyp)");
};

const SELF_TEST = `
const util = require("util");
util.isNullOrUndefined ??= (value) => value == null;
util.isArray ??= Array.isArray;
const tf = require(${JSON.stringify(PACKAGE)});
const product = tf.matMul(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([5, 6, 7, 8], [2, 2])).dataSync();
if (tf.getBackend() !== "tensorflow" || String([...product]) !== "19,22,43,50") throw new Error("wrong product");
`;

/** In a process of its own, since what fails here may crash. Gives what went wrong. */
const selfTest = () => {
  const { status, signal, stderr } = spawnSync(process.execPath, ["-e", SELF_TEST], {
    encoding: "utf8",
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" },
  });
  if (status === 0) return undefined;
  const said = stderr.split("\n").find((line) => line.includes("Error"));
  return signal === null ? (said ?? `exit code ${status}`) : `killed by ${signal}`;
};

const run = (command, args, cwd = ROOT) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  if (stderr) console.error(stderr.split("\n").slice(-20).join("\n"));
  throw new CannotFetch(
    `${path.basename(args[0] ?? command)} failed: ${error?.message ?? `exit code ${status}`}`,
  );
};

try {
  main();
} catch (error) {
  if (!(error instanceof CannotFetch)) throw error;
  // Who only fetches ahead is followed by one that says it.
  if (process.argv.includes("--only-fetch")) process.exit(0);
  console.log(`setup:native: skipped, training will use the slower wasm backend: ${error.message}`);
  if (process.argv.includes("--strict")) process.exitCode = 1;
}
