/**
 * The README's walk through the product by hand, word for word, in a folder that looks like a clone. `npm ci` is left out,
 * since the tests run in an installed tree; and the job has two rounds of two steps, in place of eight of eight.
 */
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");
const isFetched = ["minilm", "mail"].every((name) =>
  fs.existsSync(path.join(root, ".cache", name, "sha256")),
);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-walkthrough-"));
const children = new Set<ChildProcess>();

beforeAll(() => {
  for (const name of ["node_modules", ".cache"])
    fs.symlinkSync(path.join(root, name), path.join(folder, name));
  const job = path.join("scenarios", "jobs", "mail.yaml");
  fs.mkdirSync(path.dirname(path.join(folder, job)), { recursive: true });
  const text = fs.readFileSync(path.join(root, job), "utf8");
  const small = text
    .replace(/^ {2}rounds: 8$/mu, "  rounds: 2")
    .replace(/^ {2}localSteps: 8$/mu, "  localSteps: 2");
  expect(small).not.toBe(text);
  fs.writeFileSync(path.join(folder, job), small);
});

afterAll(() => {
  for (const { pid } of children) if (pid !== undefined) kill(pid);
  fs.rmSync(folder, { recursive: true, force: true });
});

const kill = (pid: number): void => {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It is over.
  }
};

const readme = fs.readFileSync(path.join(root, "README.md"), "utf8");

/** The text of the README's blocks with this mark. */
const blocks = (mark: string): readonly string[] =>
  [...readme.matchAll(new RegExp(`^\`\`\`sh ${mark}\n(?<text>[\\s\\S]*?)^\`\`\`$`, "gmu"))].map(
    ({ groups }) => groups!["text"]!,
  );

/** Runs it as a shell would after somebody has typed it, and gives its exit code and what it printed. */
const type = (script: string): Promise<{ readonly code: number | null; readonly output: string }> => {
  const child = spawn("sh", ["-eu", "-c", script], {
    cwd: folder,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (output += data.toString()));
  return new Promise((resolve) => {
    child.on("close", (code) => {
      children.delete(child);
      resolve({ code, output });
    });
  });
};

const why = isFetched ? "" : " (encoder and mail are not fetched: run npm run quickstart)";

describe.skipIf(!isFetched)(`the README's walkthrough${why}`, { timeout: 600_000 }, () => {
  test("identities, data, contract and signatures", async () => {
    const steps = blocks("walkthrough").map((block) => block.replace(/^npm ci\n/u, ""));
    expect(steps).toHaveLength(3);
    for (const step of steps) {
      const { code, output } = await type(step);
      expect(code, output).toBe(0);
    }
    expect(fs.existsSync(path.join(folder, "demo", "signed-contract.json"))).toBe(true);
  });

  test("four terminals: all rounds, four times exit code 0, and a checkpoint", async () => {
    const terminals = blocks("terminals").flatMap((block) => block.trim().split("\n"));
    expect(terminals).toHaveLength(4);
    const ends = await Promise.all(terminals.map(type));
    for (const { code, output } of ends) expect(code, output).toBe(0);
    const [, report] = /`(?<command>npx bulkhead-coordinator report [^`]+)`/u.exec(readme)!;
    const { code, output } = await type(report!);
    expect(code, output).toBe(0);
    const [, checkpoint] = /^Checkpoint: (.+)$/mu.exec(output)!;
    const files = fs.readdirSync(path.resolve(folder, checkpoint!));
    expect(files).toEqual(
      expect.arrayContaining(["adapter_config.json", "adapter_model.safetensors", "head.safetensors"]),
    );
  });
});
