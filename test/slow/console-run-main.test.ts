import { spawn } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commandOf, freshFolder, runToEnd } from "../launch.ts";

const COMMAND = new URL("../console/programs/command.ts", import.meta.url);

test("a command that is refused its input says so in one line with place, problem and cure, and ends with the code of that error", async () => {
  // On CI the colour library takes every pipe for a terminal.
  expect(await runToEnd(COMMAND, ["input"], { env: { CI: "1" } })).toEqual({
    ended: 2,
    stdout: "",
    stderr: "error: site.yaml:5:10 rounds: expected number\\u{a}received \\u{1b}[31mstring; correct it\n",
  });
});

test("a bug of ours is one line that names a crash file, without stack and without secret", async () => {
  const TMPDIR = freshFolder();
  const { ended, stderr } = await runToEnd(COMMAND, ["bug"], { env: { TMPDIR, BULKHEAD_DEBUG: "" } });
  expect(ended).toBe(1);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(/^error: command.js: internal error, .* look through .*bulkhead-crash-.*\.txt/u);
  const crash = join(TMPDIR, readdirSync(TMPDIR).find((name) => name.startsWith("bulkhead-crash-")) ?? "");
  expect(statSync(crash).mode & 0o777).toBe(0o600);
  const content = readFileSync(crash, "utf8");
  expect(content).toContain("broken invariant: x");
  expect(content).toContain("command.js:");
  expect(content).not.toContain("hunter2");
});

test("a signal lets the command save and end with the code for interrupted", async () => {
  const [command, ...args] = commandOf(COMMAND, ["stop"]);
  const child = spawn(command!, args);
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
    if (stderr === "ready\n") child.kill("SIGTERM");
  });
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect(code).toBe(5);
  expect(stderr).toBe(
    "ready\nstopping\nerror: command.js: stopped by SIGTERM; run the same command again to go on\n",
  );
});
