#!/usr/bin/env node
// One file for each program of client and coordinator: node needs a millisecond and more to find and link a module, and
// a cell has four hundred. What is native or optional stays outside.
import fs from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { root } from "./install.mjs";

const SHELLS = ["client", "coordinator"];
const OUTSIDE = ["@tensorflow/*", "webgpu", "msgpackr-extract", "bufferutil", "utf-8-validate"];
const LICENCES = "LICENCES.txt";
/** Libraries in CommonJS ask for node's own modules by this name. */
const REQUIRE =
  'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);';

/** How sources name a program or thread that they start; in backticks it is their documentation. */
const STARTED = /(?<!`)new URL\("(?<file>[^"]+\.ts)", import\.meta\.url\)/gu;

const nameOf = (file) =>
  file
    .replace(/^.*\/src\//u, "")
    .replace(/\.ts$/u, "")
    .replaceAll("/", "-");

/** Points those names at the bundles, which lie all in one folder; `found` gets the sources. */
const startedPrograms = (found) => ({
  name: "started-programs",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path: source }) => {
      const text = await fs.promises.readFile(source, "utf8");
      const contents = text.replace(STARTED, (_, file) => {
        const program = path.resolve(path.dirname(source), file);
        found.add(program);
        return `new URL("./${nameOf(program)}.js", import.meta.url)`;
      });
      return { contents, loader: "ts" };
    }),
});

const bundle = async (program, folder, found) => {
  const { metafile } = await build({
    entryPoints: { [nameOf(program)]: program },
    outdir: folder,
    chunkNames: `${nameOf(program)}-[hash]`,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    conditions: ["bulkhead-src"],
    external: OUTSIDE,
    banner: { js: REQUIRE },
    plugins: [startedPrograms(found)],
    absWorkingDir: root,
    metafile: true,
    logLevel: "warning",
  });
  return { inputs: Object.keys(metafile.inputs), outputs: Object.keys(metafile.outputs) };
};

const byName = (a, b) => (a < b ? -1 : 1);

/** The licences of the libraries that are in the bundles, as these ask. */
const licencesOf = (inputs) => {
  const folders = new Set(
    inputs.map((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//u.exec(file)?.[1]).filter(Boolean),
  );
  return [...folders].toSorted(byName).map((folder) => {
    const { name, version, license } = JSON.parse(
      fs.readFileSync(path.join(root, folder, "package.json"), "utf8"),
    );
    const file = fs.readdirSync(path.join(root, folder)).find((entry) => /^licen[cs]e/iu.test(entry));
    const text = file === undefined ? "" : fs.readFileSync(path.join(root, folder, file), "utf8");
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
};

const bundleShell = async (shell) => {
  const folder = path.join(root, shell, "bundle");
  const programs = new Set([path.join(root, shell, "src", "main.ts")]);
  const bundles = [];
  // The set grows while it is walked through.
  for (const program of programs) bundles.push(await bundle(program, folder, programs));
  const licences = licencesOf(bundles.flatMap(({ inputs }) => inputs));
  fs.writeFileSync(path.join(folder, LICENCES), licences.join(`\n${"-".repeat(80)}\n\n`));
  // Only now: a program that is running may yet load what has not changed.
  const made = new Set([
    LICENCES,
    ...bundles.flatMap(({ outputs }) => outputs.map((file) => path.basename(file))),
  ]);
  for (const file of fs.readdirSync(folder)) if (!made.has(file)) fs.rmSync(path.join(folder, file));
};

await Promise.all(SHELLS.map(bundleShell));
