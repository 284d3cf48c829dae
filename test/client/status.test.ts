import path from "node:path";
import { readStatus, StatusFile } from "@bulkhead/client";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const opened = () => {
  const file = path.join(freshFolder(), "status.json");
  const status = new StatusFile(file, {
    run: "nightly",
    job: "sums",
    contract: "ab".repeat(32),
    member: { number: 2, name: "east" },
    wall: { strength: "namespaces" },
    plannedRounds: 5,
  });
  return { file, status };
};

test("news become what a person asks for, and the end stays when the process is gone", async () => {
  const { file, status } = opened();
  expect(await readStatus(file)).toMatchObject({ outcome: "running", doing: "starting", link: "none" });
  status.hear({ type: "ready", member: 2, applied: 1, rows: 10, backend: "wasm", engine: "cpu, 1 thread" });
  status.hear({ type: "link", state: "open" });
  const step = { before: "awaiting-plan", after: "awaiting-roster", event: "planned", sent: 1, reasons: [] };
  status.hear({ type: "step", round: 2, attempt: 1, ...step });
  status.hear({ type: "training", round: 2, step: 3, steps: 9 });
  status.hear({ type: "applied", round: 2, survivors: 3, modelHash: "00".repeat(32) });
  expect(status.status).toMatchObject({
    doing: "taking part",
    link: "open",
    attempt: { round: 2, attempt: 1, stage: "awaiting-roster" },
    training: { step: 3, steps: 9 },
    rounds: { applied: 2, planned: 5 },
  });
  const problem = { code: "link-lost", place: "ws://x", problem: "it is gone", cure: "wait" };
  await status.close({ outcome: "unreachable", code: "unreachable", applied: 2, problem });
  const after = await readStatus(file);
  expect(after).toMatchObject({
    outcome: "unreachable",
    code: "unreachable",
    problem: "ws://x: it is gone; wait",
  });
  expect(after?.attempt).toBeUndefined();
});

test("bytes of a gateway that was started anew add to those of the one before", () => {
  const { status } = opened();
  const traffic = (sentBytes: number) =>
    status.hear({ type: "traffic", sentBytes, sentMessages: sentBytes / 10, receivedBytes: 2 * sentBytes });
  for (const sent of [100, 300, 50, 70]) traffic(sent);
  expect(status.status.traffic).toEqual({ sentBytes: 370, sentMessages: 37, receivedBytes: 740 });
});
