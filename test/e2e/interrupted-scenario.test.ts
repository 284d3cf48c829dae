import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { PATIENCE_MS, startScenario } from "./scenario.ts";

/** How many processes name this folder in their command line. */
const processesIn = (place: string): number =>
  spawnSync("ps", ["-eo", "args"], { encoding: "utf8" })
    .stdout.split("\n")
    .filter((line) => line.includes(place)).length;

test(
  "Ctrl-C ends a scenario with code 5, and none of its processes outlives it",
  { timeout: PATIENCE_MS },
  async () => {
    const { out, child, ended } = startScenario("coordinator-crash");
    // The scenario itself, a coordinator, and three sites of three processes each.
    await expect.poll(() => processesIn(out), { timeout: PATIENCE_MS, interval: 200 }).toBeGreaterThan(8);
    child.kill("SIGINT");
    expect((await ended).code).toBe(5);
    await expect.poll(() => processesIn(out), { timeout: 60_000 }).toBe(0);
  },
);
