import fs from "node:fs";
import path from "node:path";
import { claimRun, exitOf, readRunRecord, type RunRecord, runEndOf, writeRunRecord } from "@bulkhead/client";
import { lockFolder } from "@bulkhead/store";
import { expect, onTestFinished, test } from "vitest";
import { freshFolder } from "../launch.ts";

const CONTRACT = "ab".repeat(32);

const record = (changed: Partial<RunRecord> = {}): RunRecord => ({
  format: "bulkhead-run/1",
  run: "nightly",
  contract: CONTRACT,
  job: "sums",
  startedAt: "2026-01-01T00:00:00.000Z",
  outcome: "running",
  applied: 1,
  wall: "namespaces",
  ...changed,
});

const prepared = () => {
  const state = freshFolder();
  const runs = path.join(state, "runs");
  const stop = new AbortController();
  let waits = 0;
  const claim = async (run = "nightly") => {
    const claimed = await claimRun({
      state,
      runs,
      run,
      contract: CONTRACT,
      signal: stop.signal,
      onWaiting: () => (waits += 1),
    });
    if (claimed.type === "ours") onTestFinished(() => claimed.lock.release());
    return claimed;
  };
  return { state, runs, claim, stop, waits: () => waits };
};

test("a run that is new is ours, with the folder's lock", async () => {
  const { state, claim } = prepared();
  expect((await claim()).type).toBe("ours");
  await expect(lockFolder(state)).rejects.toMatchObject({ code: "folder-in-use" });
});

test.each(["done", "withdrawn"] as const)(
  "a run that is over as %s only tells how it ended",
  async (outcome) => {
    const { state, runs, claim } = prepared();
    await writeRunRecord(runs, record({ outcome }));
    expect(await claim()).toMatchObject({ type: "ended", record: { outcome } });
    await (await lockFolder(state)).release();
  },
);

test.each(["running", "stopped", "failed", "unreachable", "refused", "job-failed"] as const)(
  "a run that ended as %s is gone on with",
  async (outcome) => {
    const { runs, claim } = prepared();
    await writeRunRecord(runs, record({ outcome }));
    expect((await claim()).type).toBe("ours");
  },
);

test("while another process is at the run this one waits, and tells its end whatever it is", async () => {
  const { state, runs, claim, waits } = prepared();
  const lock = await lockFolder(state);
  await writeRunRecord(runs, record());
  const claiming = claim();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await writeRunRecord(runs, record({ outcome: "stopped" }));
  await lock.release();
  expect(await claiming).toMatchObject({ type: "ended", record: { outcome: "stopped" } });
  expect(waits()).toBe(1);
});

test("a process that dies at the run leaves it to the one that waits", async () => {
  const { state, runs, claim } = prepared();
  const lock = await lockFolder(state);
  await writeRunRecord(runs, record());
  const claiming = claim();
  await new Promise((resolve) => setTimeout(resolve, 300));
  await lock.release();
  expect((await claiming).type).toBe("ours");
});

test("waiting ends when this process is to stop", async () => {
  const { state, runs, claim, stop } = prepared();
  const lock = await lockFolder(state);
  onTestFinished(() => lock.release());
  await writeRunRecord(runs, record());
  const claiming = claim();
  stop.abort(new Error("stopped by SIGTERM"));
  await expect(claiming).rejects.toThrow("stopped by SIGTERM");
});

test("another run in the same folder, and an id of another contract, are refused", async () => {
  const { state, runs, claim } = prepared();
  const lock = await lockFolder(state);
  await expect(claim("other")).rejects.toMatchObject({ code: "folder-in-use" });
  await lock.release();
  await writeRunRecord(runs, record({ contract: "cd".repeat(32) }));
  await expect(claim()).rejects.toMatchObject({ code: "usage-run-id" });
  fs.writeFileSync(path.join(runs, "nightly.json"), "{");
  await expect(readRunRecord(runs, "nightly")).rejects.toMatchObject({ code: "run-record" });
});

test("each outcome has its exit code, and all but done and stopped a line that says what to do", () => {
  const said = { code: "link-unknown-member", place: "ws://x", problem: "no such member", cure: "check it" };
  const end = (
    outcome: Parameters<typeof runEndOf>[0]["outcome"]["outcome"],
    code?: string,
    problem = undefined as typeof said | undefined,
  ) =>
    runEndOf({
      outcome: { type: "outcome", outcome, applied: 0, ...(code !== undefined && { code }) },
      problem,
    });
  const exits = (...args: Parameters<typeof end>) => {
    const ended = end(...args);
    return [exitOf(ended), ended.problem?.code];
  };
  expect(exits("done")).toEqual([0, undefined]);
  expect(exits("stopped", "stopped")).toEqual([5, undefined]);
  expect(exits("job-failed")).toEqual([1, "job-failed"]);
  expect(exits("withdrawn")).toEqual([3, "contract-withdrawn"]);
  expect(exits("unreachable", "not-let-in", said)).toEqual([4, "link-unknown-member"]);
  expect(exits("unreachable", "unreachable")).toEqual([4, "link-unreachable"]);
  expect(exits("refused", "bad-signature")).toEqual([3, "abort-bad-signature"]);
  expect(exits("refused", "bad-signature", said)).toEqual([3, "abort-bad-signature"]);
  expect(exits("refused", "policy-rounds", { ...said, code: "policy-rounds" })).toEqual([3, "policy-rounds"]);
  expect(exits("failed", "data-missing", { ...said, code: "data-missing" })).toEqual([2, "data-missing"]);
  expect(exits("failed", "internal-error")).toEqual([1, "client-failed"]);
});
