import { expect, test } from "vitest";
import { runWithCrashes } from "../coordinator/crash.ts";
import { newFederation } from "../coordinator/federation.ts";
import { expectClose, expectedModel, stageOf, STEP } from "../coordinator/outcome.ts";

test.each([1, 2, 4])(
  "crashing at every %d. sync, the coordinator ends with the model of an undisturbed run",
  async (every) => {
    const patient = { stageMs: 60_000, trainMs: 60_000, resumeMs: 60_000 };
    const federation = newFederation({ attempts: 1, timing: patient });
    const { starts, end, members } = await runWithCrashes(federation, every);
    expect(end).toEqual({ outcome: "done" });
    expect(starts).toBeGreaterThan(80 / every);
    expect(await Promise.all(members.map(stageOf))).toEqual(["finished", "finished", "finished"]);
    const all = [1, 2, 3];
    expectClose(members[0]!, expectedModel(federation, [all, all]), 2 * STEP);
  },
);
