/** What the coordinator's tests ask of a run. */
import fs from "node:fs";
import path from "node:path";
import type { RunningCoordinator } from "@bulkhead/coordinator";
import { parameterCount } from "@bulkhead/finetune";
import { expect } from "vitest";
import type { Federation } from "./federation.ts";
import { floatsOf, type TestMember, updateOf } from "./member.ts";

export const stageOf = async (member: TestMember) => (await member.over())?.stage;

export const reportOf = (coordinator: RunningCoordinator) =>
  JSON.parse(fs.readFileSync(coordinator.report, "utf8"));

export const jobFolderOf = ({ report }: RunningCoordinator): string => path.dirname(report);

/** What the model must be, worked out without the product: the mean over the survivors, round by round. */
export const expectedModel = ({ job, initial }: Federation, survivors: readonly (readonly number[])[]) => {
  const model = floatsOf(job, initial);
  const length = parameterCount(job.contract.tensors);
  for (const [i, ids] of survivors.entries()) {
    const updates = ids.map((id) => updateOf(id, i + 1, length));
    for (let at = 0; at < length; at++)
      model[at]! += updates.reduce((sum, update) => sum + update[at]!, 0) / ids.length;
  }
  return model;
};

/** In the tests' ring one step is 4/Qmax; rounding moves each member by less than one. */
export const expectClose = (member: TestMember, expected: Float32Array, steps: number) => {
  for (const [i, value] of expected.entries())
    expect(Math.abs(member.model![i]! - value)).toBeLessThan(steps);
};

export const STEP = 4 / Math.floor((2 ** 15 - 1) / 3);
