/** Where the program itself lies: node, the system's libraries, this package and those it uses. */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { invariant } from "@bulkhead/base";

/** What every process needs to run at all; none of it is a user's. */
export const codePaths = (): readonly string[] => {
  const client = packageOf(path.dirname(fileURLToPath(import.meta.url)));
  const modules = foldersAbove(client)
    .map((folder) => path.join(folder, "node_modules"))
    .filter((folder) => fs.existsSync(folder));
  return [
    ...partsOf(client),
    ...modules,
    ...modules.flatMap(workspaces).flatMap(partsOf),
    ...modules.flatMap(nativeLibraries),
    ...libraryPath(),
    process.execPath,
  ];
};

/** Of a package, and not its folder: somebody may keep a site's config, rows and state there. */
const PARTS = ["package.json", "src", "dist", "bundle", "node_modules"];

const partsOf = (folder: string): readonly string[] =>
  PARTS.map((name) => path.join(folder, name)).filter((part) => fs.existsSync(part));

const foldersAbove = (folder: string): readonly string[] => {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...foldersAbove(parent)];
};

const packageOf = (folder: string): string => {
  const found = foldersAbove(folder).find((one) => fs.existsSync(path.join(one, "package.json")));
  invariant(found !== undefined, "this module is in a package");
  return found;
};

/** In the repository our own packages are links to their sources. */
const workspaces = (modules: string): readonly string[] =>
  entriesOf(path.join(modules, "@bulkhead")).map((folder) => fs.realpathSync(folder));

/** TensorFlow's library, which `setup:native` has linked to where it keeps the wheel. */
const nativeLibraries = (modules: string): readonly string[] => {
  const linked = entriesOf(path.join(modules, "@tensorflow", "tfjs-node-gpu", "deps", "lib"));
  return [...new Set(linked.map((file) => path.dirname(fs.realpathSync(file))))];
};

const libraryPath = (): readonly string[] =>
  (process.env["LD_LIBRARY_PATH"] ?? "")
    .split(":")
    .filter((folder) => path.isAbsolute(folder) && fs.existsSync(folder));

/** With their paths; those that point nowhere are left out. */
const entriesOf = (folder: string): readonly string[] =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder)
        .map((name) => path.join(folder, name))
        .filter((file) => fs.existsSync(file))
    : [];

/** Of the system; where one is a link, it is one inside the wall too. */
export const SYSTEM_FOLDERS = [
  "/usr/lib",
  "/usr/lib32",
  "/usr/lib64",
  "/usr/local/lib",
  "/lib",
  "/lib32",
  "/lib64",
  "/nix/store",
];
export const SYSTEM_FILES = ["/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo"];

/**
 * How to start one of our programs, given as `new URL("./main.ts", import.meta.url)`: the `.js` built from it where
 * this package is built, else the source under the repository's own loader.
 */
export const nodeArguments = (program: URL): readonly string[] => {
  const memory = process.execArgv.filter((argument) => argument.startsWith("--max-old-space-size="));
  if (import.meta.url.endsWith(".js"))
    return [...memory, fileURLToPath(program.href.replace(/\.ts$/u, ".js"))];
  const loader = ["--conditions=bulkhead-src", "--import", import.meta.resolve("tsx")];
  return [...memory, ...loader, fileURLToPath(program)];
};
