/**
 * Plants each bug in a copy of the tree, runs the one test that must see it, and shows which did. A bug that survives, a
 * patch that does not apply, or a test that fails without any bug ends it with an error. `npm run test:mutants [name …]`
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type Mutant, mutate, readMutants } from "./mutant.ts";

const root = path.join(import.meta.dirname, "..", "..");
const COPIED = ["packages", "client", "coordinator", "scenarios", "test"];
const FILES = ["package.json", "tsconfig.json", "tsconfig.base.json", "vitest.config.ts"];
const WORKERS = 2;

type Verdict = "killed" | "survived" | "does not apply" | "found no test";

/** The sources alone, with the workspaces' own links between them; all other packages are those of the tree. */
const copyTree = (): string => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-mutants-"));
  for (const folder of COPIED)
    fs.cpSync(path.join(root, folder), path.join(copy, folder), {
      recursive: true,
      filter: (source) => !/\/(dist|bundle|node_modules)$/u.test(source) && !source.endsWith(".tsbuildinfo"),
    });
  for (const file of FILES) fs.copyFileSync(path.join(root, file), path.join(copy, file));
  const from = path.join(root, "node_modules");
  fs.mkdirSync(path.join(copy, "node_modules", "@bulkhead"), { recursive: true });
  for (const name of fs.readdirSync(from))
    if (name !== "@bulkhead" && !name.startsWith("."))
      fs.symlinkSync(path.join(from, name), path.join(copy, "node_modules", name));
  for (const name of fs.readdirSync(path.join(from, "@bulkhead"))) {
    const target = path.relative(root, fs.realpathSync(path.join(from, "@bulkhead", name)));
    fs.symlinkSync(path.join(copy, target), path.join(copy, "node_modules", "@bulkhead", name));
    // Libraries of which this one needs another version.
    const own = path.join(root, target, "node_modules");
    if (fs.existsSync(own)) fs.symlinkSync(own, path.join(copy, target, "node_modules"));
  }
  return copy;
};

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly title: string; readonly status: string }[];
  }[];
}

const runTests = (copy: string, args: readonly string[]): Promise<Report["testResults"]> => {
  const report = path.join(copy, "report.json");
  fs.rmSync(report, { force: true });
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const all = [vitest, "run", "--project", "unit", "--reporter=json", `--outputFile=${report}`, ...args];
  return new Promise((resolve) => {
    const child = spawn(process.execPath, all, { cwd: copy, stdio: "ignore" });
    child.on("close", () => {
      if (!fs.existsSync(report)) return resolve([]);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- vitest's own report
      resolve((JSON.parse(fs.readFileSync(report, "utf8")) as Report).testResults);
    });
  });
};

/** Runs the tests of a file with this in their name: how many failed, of how many. */
const runTest = async (
  copy: string,
  { testFile, testName }: Mutant,
): Promise<{ failed: number; ran: number }> => {
  const pattern = testName.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);
  const results = await runTests(copy, [testFile, "-t", pattern]);
  const statuses = results.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
  // A file whose fixture breaks on the bug runs no test, and has seen it all the same.
  const broken = results.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  const failed = statuses.filter((status) => status === "failed").length + broken.length;
  return { failed, ran: failed + statuses.filter((status) => status === "passed").length };
};

const judge = async (copy: string, mutant: Mutant): Promise<Verdict> => {
  const place = path.join(copy, mutant.file);
  const source = fs.readFileSync(place, "utf8");
  let bugged: string;
  try {
    bugged = mutate(mutant, source);
  } catch {
    return "does not apply";
  }
  fs.writeFileSync(place, bugged);
  const { failed, ran } = await runTest(copy, mutant);
  fs.writeFileSync(place, source);
  if (ran === 0) return "found no test";
  return failed > 0 ? "killed" : "survived";
};

const wanted = process.argv.slice(2);
const mutants = readMutants().filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const verdicts = new Map<Mutant, Verdict>();
const queue = [...mutants];
const copies: string[] = [];

const work = async (): Promise<void> => {
  const copy = copyTree();
  copies.push(copy);
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const verdict = await judge(copy, mutant);
    verdicts.set(mutant, verdict);
    console.log(`${verdict.padEnd(14)}  ${mutant.name.padEnd(28)}  ${mutant.testFile} › ${mutant.testName}`);
  }
};

/** A test that fails anyway would kill every bug: those that do not pass without one. */
const failingAnyway = async (copy: string): Promise<readonly Mutant[]> => {
  const results = await runTests(copy, [...new Set(mutants.map(({ testFile }) => testFile))]);
  const passes = ({ testFile, testName }: Mutant): boolean => {
    const inFile = results.filter(({ name }) => name.endsWith(testFile));
    const named = inFile.flatMap(({ assertionResults }) =>
      assertionResults.filter(({ title }) => title.includes(testName)),
    );
    return named.length > 0 && named.every(({ status }) => status === "passed");
  };
  return mutants.filter((mutant) => !passes(mutant));
};

try {
  const copy = copyTree();
  copies.push(copy);
  const unsound = await failingAnyway(copy);
  for (const { testFile, testName } of unsound)
    console.log(`does not pass without a bug: ${testFile} › ${testName}`);
  if (unsound.length === 0)
    await Promise.all(Array.from({ length: Math.min(WORKERS, mutants.length) }, () => work()));
  const killed = [...verdicts.values()].filter((verdict) => verdict === "killed").length;
  console.log(`${killed} of ${mutants.length} planted bugs killed`);
  if (killed < mutants.length || mutants.length === 0) process.exitCode = 1;
} finally {
  for (const copy of copies) fs.rmSync(copy, { recursive: true, force: true });
}
