/** What the documents at the root and in `docs/` point to is there. */
import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");

const documents = ["", "docs"].flatMap((folder) =>
  fs
    .readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => path.join(folder, name)),
);

const found = (file: string, pattern: RegExp): readonly string[] => [
  ...new Set([...fs.readFileSync(path.join(root, file), "utf8").matchAll(pattern)].map(([, name]) => name!)),
];

describe.each(documents)("%s", (file) => {
  test("links to files that are there", () => {
    const links = found(file, /\]\((?!https?:|#)([^)#]+)/gu);
    const missing = links.filter((link) => !fs.existsSync(path.join(root, path.dirname(file), link)));
    expect(missing).toEqual([]);
  });

  test("names paths that are there", () => {
    const paths = found(file, /`((?:packages|client|coordinator|scenarios|test|docs|scripts)\/[\w./-]*)`/gu);
    expect(paths.filter((name) => !fs.existsSync(path.join(root, name)))).toEqual([]);
  });

  test("names npm scripts that there are", () => {
    const text = fs.readFileSync(path.join(root, "package.json"), "utf8");
    const scripts = found(file, /npm run ([\w:]+)/gu);
    expect(scripts.filter((script) => !text.includes(`"${script}": `))).toEqual([]);
  });
});

test("there are documents, and they point to something", () => {
  expect(documents.length).toBeGreaterThan(7);
  expect(found("ARCHITECTURE.md", /`(packages\/[\w./-]*)`/gu).length).toBeGreaterThan(10);
  expect(found("README.md", /\]\((packages\/\w+)\)/gu).length).toBeGreaterThan(10);
  expect(found("CONTRIBUTING.md", /npm run ([\w:]+)/gu).length).toBeGreaterThan(3);
});
