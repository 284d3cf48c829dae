import fs from "node:fs";
import { expect, test } from "vitest";
import { runWithCrashes } from "./crash.ts";
import { newFederation } from "./federation.ts";

test("a coordinator that crashes again and again ends with the model of every member", async () => {
  const federation = newFederation({ attempts: 1, timing: { stageMs: 20_000, trainMs: 20_000, resumeMs: 20_000 } });
  const { starts, end, members } = await runWithCrashes(federation, 9);
  expect(end).toEqual({ outcome: "done" });
  expect(starts).toBeGreaterThan(5);
  const ends = await Promise.all(members.map((member) => member.over()));
  expect(ends.map((state) => state?.stage)).toEqual(["finished", "finished", "finished"]);
  console.log(starts);
  expect(fs.existsSync(federation.state)).toBe(true);
});
