/** What holds for the repository as a whole: its lockfile, its files' sizes, and documents that must not drift apart. */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8");

interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

test("the lockfile has a digest for each package, and names no registry", () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm wrote it
  const { packages } = JSON.parse(read("package-lock.json")) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const installed = Object.entries(packages).filter(
    ([name, { link }]) => name.includes("node_modules/") && link !== true,
  );
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.filter(([, { integrity }]) => integrity === undefined)).toEqual([]);
  expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  expect(read("package-lock.json")).not.toMatch(/"resolved": "\w+:/u);
});

const ownFiles = (): readonly string[] =>
  execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((file) => file !== "" && fs.existsSync(path.join(root, file)));

test("no document holds the two sides of a merge", () => {
  // As git writes the marks, and as a formatter leaves them.
  const marks = /^\s*(?:<{7} |>{7} |\\?={7}$|(?:> ){7})/mu;
  const documents = ownFiles().filter((file) => file.endsWith(".md"));
  expect(documents.length).toBeGreaterThan(10);
  expect(documents.filter((file) => marks.test(read(file)))).toEqual([]);
});

test("no file of the repository is larger than 1 MB", () => {
  const files = ownFiles();
  expect(files.length).toBeGreaterThan(100);
  expect(files.filter((file) => fs.statSync(path.join(root, file)).size > 1e6)).toEqual([]);
});

interface LayerRow {
  readonly folder: string;
  readonly line: string;
  readonly mayImport: string;
  readonly doors: readonly string[];
}

const layerRows: readonly LayerRow[] = [
  ...read("ARCHITECTURE.md").matchAll(
    /^\| `(?<folder>[^`]+?)\/?` +\| (?<line>[^|]+?) +\| (?<mayImport>[^|]+?) +\| (?<doors>[^|]+?) +\|$/gmu,
  ),
]
  .map(({ groups }) => ({
    folder: groups!["folder"]!,
    line: groups!["line"]!,
    mayImport: groups!["mayImport"]!,
    doors: [...groups!["doors"]!.matchAll(/`([^`]+)`/gu)].map(([, door]) => door!),
  }))
  .filter(({ folder }) => fs.existsSync(path.join(root, folder, "package.json")));

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is a file of this repository
const { MAY_IMPORT, DOORS } = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as {
  readonly MAY_IMPORT: Readonly<Record<string, readonly string[]>>;
  readonly DOORS: Readonly<Record<string, readonly string[]>>;
};

describe("the layer table in ARCHITECTURE.md", () => {
  test("has every workspace, in the order of the layers", () => {
    const workspaces = ["client", "coordinator", "scenarios"];
    for (const name of fs.readdirSync(path.join(root, "packages"))) workspaces.push(`packages/${name}`);
    expect(layerRows.map(({ folder }) => folder).toSorted()).toEqual(workspaces.toSorted());
    expect(layerRows.map(({ folder }) => folder)).toEqual([...Object.keys(MAY_IMPORT), "scenarios"]);
  });

  test.each(
    layerRows.filter(({ folder }) => folder !== "scenarios").map((row) => [row.folder, row] as const),
  )("says what %s may import, as the checker has it", (folder, { mayImport }) => {
    const lower = Object.keys(MAY_IMPORT).filter((name) => name.startsWith("packages/"));
    expect(MAY_IMPORT[folder]).toEqual(
      namesIn(
        mayImport,
        lower.map((name) => path.basename(name)),
        folder,
      ),
    );
  });

  test.each(layerRows.flatMap(({ folder, doors }) => doors.map((door) => [folder, door] as const)))(
    "gives %s the door to %s, and so does the checker",
    (folder, door) => {
      const name = door.replace("*", "");
      const place = name.startsWith("node:") ? name : `node_modules/${name}${name.endsWith("/") ? "" : "/"}`;
      const rules = Object.entries(DOORS).filter(([library]) => new RegExp(library, "u").test(place));
      expect(rules.map(([, allowed]) => allowed)).toEqual([expect.arrayContaining([folder])]);
    },
  );
});

/** `–`, names, or `all`, `all below`, both perhaps with `but` some. */
const namesIn = (text: string, all: readonly string[], folder: string): readonly string[] => {
  if (text === "–") return [];
  if (!text.startsWith("all")) return text.split(", ");
  const [which, left = ""] = text.split(" but ");
  const meant = which === "all below" ? all.slice(0, all.indexOf(path.basename(folder))) : all;
  return meant.filter((name) => !left.split(", ").includes(name));
};

describe("the page of each workspace", () => {
  test.each(layerRows.map((row) => [row.folder, row] as const))(
    "%s has its name, and the words of its line in the layer table",
    (folder, { line }) => {
      const file = path.join(folder, "README.md");
      expect(fs.existsSync(path.join(root, file)), `${file} is there`).toBe(true);
      const page = read(file);
      expect(page).toMatch(new RegExp(`^# @bulkhead/${path.basename(folder)}\n`, "u"));
      const words = [...line.matchAll(/[A-Za-z][\w.]*\w/gu)].map(([word]) => word).filter(isTelling);
      // `sharing` is there where `shares` is.
      const missing = words.filter((word) => !page.toLowerCase().includes(word.toLowerCase().slice(0, 5)));
      expect(missing).toEqual([]);
    },
  );
});

const isTelling = (word: string): boolean => word.length > 3;

describe("the README in Chinese", () => {
  const headings = (text: string) => [...text.matchAll(/^(#+) /gmu)].map(([, level]) => level);
  const blocks = (text: string) => [...text.matchAll(/^```[\s\S]*?^```$/gmu)].map(([block]) => block);
  const tables = (text: string) => text.match(/^\| /gmu)?.length;
  const links = (text: string) =>
    [...text.matchAll(/\]\(([^)]+)\)/gu)].map(([, to]) => to).filter((to) => !to!.startsWith("README"));

  test.each([
    ["headings", headings],
    ["code blocks", blocks],
    ["rows of tables", tables],
    ["links", links],
  ] as const)("has the same %s as the English one", (_, of) => {
    const english = of(withoutCode(read("README.md"), of === blocks));
    expect(of(withoutCode(read("README.zh.md"), of === blocks))).toEqual(english);
    expect(english).toBeTruthy();
  });
});

/** A comment in a block of shell looks like a heading. */
const withoutCode = (text: string, isKept: boolean): string =>
  isKept ? text : text.replaceAll(/^```[\s\S]*?^```$/gmu, "");
