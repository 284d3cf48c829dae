import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const repository = path.join(import.meta.dirname, "..", "..");
const folders: string[] = [];

/** A tree with these files, checked by the real checker with the real rules. */
const check = (files: Readonly<Record<string, string>>, leastModules: number) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bulkhead-layers-"));
  folders.push(folder);
  for (const name of ["packages", "client", "coordinator", "scenarios", "test"])
    fs.mkdirSync(path.join(folder, name));
  for (const [file, source] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    fs.writeFileSync(path.join(folder, file), source);
  }
  const checker = path.join(repository, "scripts", "layers.mjs");
  return spawnSync(process.execPath, [checker, folder, String(leastModules)], { encoding: "utf8" });
};

afterAll(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true });
});

describe("the layer table", { timeout: 60_000 }, () => {
  test("fails on each planted violation, by name", () => {
    const { status, stderr } = check(
      {
        "packages/base/src/index.ts": `import "../../crypto/src/index.ts";\n`,
        "packages/crypto/src/index.ts": `export const a = 1;\n`,
        "packages/secagg/src/index.ts": `import "../../transport/src/index.ts";\n`,
        "packages/transport/src/index.ts": `import { createHash } from "node:crypto";\nexport { createHash };\n`,
        "packages/store/src/index.ts": `export * from "./other.ts";\nexport const b = 1;\n`,
        "packages/store/src/other.ts": `export * from "./index.ts";\nexport const c = 1;\n`,
        "client/src/cell/cell.ts": `import { connect } from "node:net";\nexport { connect };\n`,
        "client/src/gateway/gateway.ts": `import "../cell/cell.ts";\n`,
        "coordinator/src/main.ts": `import "../../packages/protocol/src/stages/inner.ts";\n`,
        "packages/protocol/src/stages/inner.ts": `export const d = 1;\n`,
      },
      1,
    );
    expect(status).toBe(1);
    expect(stderr).toContain("packages/base imports only nothing");
    expect(stderr).toContain("packages/secagg imports only base, crypto");
    expect(stderr).toContain("only packages/crypto may import");
    expect(stderr).toContain("no cycles");
    expect(stderr).toContain("client/src/cell never imports");
    expect(stderr).toContain("client/src/gateway never imports");
    expect(stderr).toContain("no deep imports across packages");
  });

  test("fails when it saw too few modules, since a blind check reports success", () => {
    const { status, stderr } = check({ "packages/base/src/index.ts": "export const a = 1;\n" }, 50);
    expect(status).toBe(1);
    expect(stderr).toContain("the check is blind");
  });

  test("passes a tree without a violation", () => {
    const { status, stdout } = check(
      {
        "packages/base/src/index.ts": "export const a = 1;\n",
        "packages/crypto/src/index.ts": `export * from "../../base/src/index.ts";\n`,
      },
      1,
    );
    expect(stdout).toContain("no forbidden import");
    expect(status).toBe(0);
  });
});
