import fs from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { runWithCrashes } from "../coordinator/crash.ts";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";
import { expectClose, expectedModel, reportOf, stageOf, STEP } from "../coordinator/outcome.ts";

const patient = { stageMs: 20_000, trainMs: 20_000, resumeMs: 20_000 };

test("a coordinator that crashes again and again ends with the model of an undisturbed run", async () => {
  const federation = newFederation({ attempts: 1, timing: patient });
  const { starts, end, members } = await runWithCrashes(federation, 9);
  expect(end).toEqual({ outcome: "done" });
  expect(starts).toBeGreaterThan(8);
  expect(await Promise.all(members.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  const all = [1, 2, 3];
  expectClose(members[0]!, expectedModel(federation, [all, all]), 2 * STEP);
});

test("a coordinator that is stopped goes on where it stood, with the same attempt", async () => {
  const federation = newFederation({ attempts: 1, timing: patient });
  let url = "";
  let first = await coordinate(federation);
  ({ url } = first);
  let stopped = false;
  const members = [1, 2, 3].map((place) =>
    memberOf(federation, place, {
      url: () => url,
      hear: (frame) => {
        if (frame.type !== "survivors" || stopped) return;
        stopped = true;
        first.stop();
      },
    }),
  );
  expect(await first.done).toEqual({ outcome: "stopped" });
  expect(reportOf(first).outcome).toBe("stopped");
  first = await coordinate(federation);
  ({ url } = first);
  expect(await first.done).toEqual({ outcome: "done" });
  expect(await Promise.all(members.map(stageOf))).toEqual(["finished", "finished", "finished"]);
  expect(reportOf(first).rounds.map(({ attempt }: { attempt: number }) => attempt)).toEqual([1, 1]);
});

test("a job that is done stays done, and tells so whoever comes late", async () => {
  const federation = newFederation({ members: 4, rounds: 1, timing: { resumeMs: 5000 } });
  const first = await coordinate(federation, { startWaitMs: 50 });
  for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => first.url });
  expect(await first.done).toEqual({ outcome: "done" });
  const model = fs.readFileSync(path.join(reportOf(first).checkpoint, "model.safetensors"));
  const second = await coordinate(federation);
  const late = memberOf(federation, 4, { url: () => second.url });
  expect(await stageOf(late)).toBe("finished");
  expect(await second.done).toEqual({ outcome: "done" });
  expect(model.equals(late.modelBytes)).toBe(true);
});

test("a model that was lost follows from the initial model and the published sums", async () => {
  const federation = newFederation({ rounds: 2 });
  const first = await coordinate(federation);
  for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => first.url });
  await first.done;
  const model = fs.readFileSync(path.join(reportOf(first).checkpoint, "model.safetensors"));
  const models = path.join(path.dirname(first.report), "models");
  fs.rmSync(path.join(models, "1.safetensors"));
  fs.writeFileSync(path.join(models, "2.safetensors"), model.subarray(0, 100));
  const second = await coordinate(federation);
  expect(await second.done).toEqual({ outcome: "done" });
});

test("a sum that was changed on the disk is not used", async () => {
  const federation = newFederation({ rounds: 1 });
  const first = await coordinate(federation);
  for (const place of [1, 2, 3]) memberOf(federation, place, { url: () => first.url });
  await first.done;
  const home = path.dirname(first.report);
  fs.rmSync(path.join(home, "models"), { recursive: true });
  const sum = path.join(home, "rounds", "1", "sum.bin");
  const bytes = fs.readFileSync(sum);
  bytes[40]! ^= 1;
  fs.writeFileSync(sum, bytes);
  await expect(coordinate(federation)).rejects.toMatchObject({ code: "state-damaged", place: sum });
});
