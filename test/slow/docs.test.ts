/** Every TypeScript block in the documentation has sound types and runs, unless it is marked `no-run`. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");
// Inside the tree, so that the blocks' imports resolve as a user's would.
const folder = path.join(root, "test", "docs-blocks");

interface Block {
  readonly file: string;
  readonly line: number;
  readonly source: string;
}

const documents = (): readonly string[] => [
  ...fs.readdirSync(root).filter((name) => name.endsWith(".md")),
  ...["packages", "docs"].flatMap((name) =>
    fs
      .readdirSync(path.join(root, name), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".md") && !file.includes("node_modules"))
      .map((file) => path.join(name, file)),
  ),
  ...["client", "coordinator", "scenarios"]
    .map((name) => path.join(name, "README.md"))
    .filter((file) => fs.existsSync(path.join(root, file))),
];

const blocksOf = (file: string): readonly Block[] => {
  const text = fs.readFileSync(path.join(root, file), "utf8");
  return [...text.matchAll(/^```ts *(?<mark>[^\n]*)\n(?<source>[\s\S]*?)^```$/gmu)]
    .filter(({ groups }) => !groups!["mark"]!.includes("no-run"))
    .map(({ groups, index }) => ({
      file,
      line: text.slice(0, index).split("\n").length,
      source: groups!["source"]!,
    }));
};

const blocks = documents().flatMap(blocksOf);
const nameOf = ({ file, line }: Block): string => `${file}:${line}`;
const fileOf = (name: string, ending: string): string =>
  path.join(folder, `${name.replaceAll(/[^a-z0-9]/giu, "-")}.${ending}`);

beforeAll(() => {
  fs.mkdirSync(folder, { recursive: true });
  for (const block of blocks) fs.writeFileSync(fileOf(nameOf(block), "ts"), block.source);
  const config = {
    extends: "../../tsconfig.base.json",
    compilerOptions: { composite: false },
    include: ["*.ts"],
  };
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = path.join(root, "node_modules", "@typescript", "native", "bin", "tsc");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
  expect(status, stdout).toBe(0);
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe("code blocks in the documentation", () => {
  test("there are some", () => {
    expect(blocks.length).toBeGreaterThan(3);
  });

  test.each(blocks.map(nameOf))("%s runs", (name) => {
    const { status, stderr } = spawnSync(process.execPath, [fileOf(name, "js")], {
      encoding: "utf8",
      cwd: folder,
      timeout: 60_000,
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
