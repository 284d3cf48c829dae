/** Ends of a command that take a process each, and some time. */
import { spawn } from "node:child_process";
import { expect, test } from "vitest";
import { commandOf, freshFolder, launch, nextLine, runToEnd } from "../launch.ts";

const COMMAND = new URL("../console/programs/command.ts", import.meta.url);

test.each(["late-bug", "rejected"])("a bug that shows later (%s) ends the command too", async (how) => {
  const { ended, stderr } = await runToEnd(COMMAND, [how], { env: { TMPDIR: freshFolder() } });
  expect(ended).toBe(1);
  expect(stderr).toMatch(/^error: command.js: internal error[^\n]*\n$/u);
});

test("with BULKHEAD_DEBUG=1 the stack is shown", async () => {
  const { stderr } = await runToEnd(COMMAND, ["bug"], {
    env: { TMPDIR: freshFolder(), BULKHEAD_DEBUG: "1" },
  });
  expect(stderr).toContain("    at ");
  expect(stderr).not.toContain("hunter2");
});

test.each(["SIGINT", "SIGTERM"] as const)("a second %s ends the process at once", async (signal) => {
  const [command, ...args] = commandOf(COMMAND, ["stop", "--hang"]);
  const child = spawn(command!, args);
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
    if (stderr === "ready\n" || stderr.endsWith("stopping\n")) child.kill(signal);
  });
  const ended = await new Promise((resolve) => child.on("close", (code, name) => resolve(code ?? name)));
  expect(ended).toBe(signal);
});

test("long output is written to its end before the command ends", async () => {
  const { ended, stdout } = await runToEnd(COMMAND, ["much-output"]);
  expect(ended).toBe(3);
  expect(stdout.split("\n")).toHaveLength(20_001);
});

test("a command that is refused its input says so in one record with --json", async () => {
  const { ended, stdout, stderr } = await runToEnd(COMMAND, ["input", "--json"]);
  expect({ ended, stdout }).toEqual({ ended: 2, stdout: "" });
  expect(JSON.parse(stderr)).toMatchObject({
    error: { code: "config-value", cure: "correct it" },
    exitCode: 2,
  });
});

test("the option parser's errors are told as all others are, with the usage code", async () => {
  expect(await runToEnd(COMMAND, ["parser"])).toEqual({
    ended: 2,
    stdout: "",
    stderr: "error: command.js: unknown option '--ful' (Did you mean --full?); see --help\n",
  });
  const { ended, stderr } = await runToEnd(COMMAND, ["parser", "--json"]);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: "usage-option" }, exitCode: ended });
});

test("output whose reader has gone away does not stop the command", async () => {
  const running = launch(COMMAND, ["much-output"]);
  expect(await nextLine(running)).toBe("line 0 of many");
  running.child.stdout?.destroy();
  expect(await running.ended).toBe(3);
});
