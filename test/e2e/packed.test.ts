/** What `npm pack` makes installs and runs elsewhere, without this repository. */
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..", "..");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-packed-"));
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const run = (command: string, args: readonly string[], cwd: string) => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" });
  return { status, stdout, stderr };
};

const LIBRARIES = fs.readdirSync(path.join(root, "packages"));
const WORKSPACES = [...LIBRARIES.map((name) => `packages/${name}`), "client", "coordinator", "scenarios"];

test("packed tarballs install elsewhere, and their commands answer", () => {
  const packed = run(
    "npm",
    ["pack", "--silent", "--pack-destination", folder, ...WORKSPACES.flatMap((name) => ["-w", name])],
    root,
  );
  expect(packed.status, packed.stderr).toBe(0);
  const tarballs = fs.readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  expect(tarballs).toHaveLength(WORKSPACES.length);

  const elsewhere = path.join(folder, "elsewhere");
  fs.mkdirSync(elsewhere);
  fs.writeFileSync(
    path.join(elsewhere, "package.json"),
    `{"name":"elsewhere","private":true,"type":"module"}\n`,
  );
  const args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
  const installed = run("npm", [...args, ...tarballs.map((name) => path.join(folder, name))], elsewhere);
  expect(installed.status, installed.stderr).toBe(0);

  for (const bin of ["bulkhead-coordinator", "bulkhead-client", "bulkhead-scenario"]) {
    const help = run(path.join(elsewhere, "node_modules", ".bin", bin), ["--help"], elsewhere);
    expect(help.status, `${bin}: ${help.stderr}`).toBe(0);
    expect(help.stdout).toContain(`Usage: ${bin}`);
  }

  // In the repository a package finds what another one has installed; here it has only what it asks for.
  const imports = LIBRARIES.map((name) => `await import("@bulkhead/${name}");`).join("\n");
  const loaded = run(process.execPath, ["--input-type=module", "--eval", imports], elsewhere);
  expect(loaded.status, loaded.stderr).toBe(0);

  fs.writeFileSync(path.join(elsewhere, "passphrase"), "a provider's passphrase\n", { mode: 0o600 });
  const init = ["init", "--folder", "provider", "--name", "provider", "--passphrase-file", "passphrase"];
  const made = run(path.join(elsewhere, "node_modules", ".bin", "bulkhead-coordinator"), init, elsewhere);
  expect(made.status, made.stderr).toBe(0);
  expect(fs.readdirSync(path.join(elsewhere, "provider"))).toContain("coordinator.yaml");
});
