import fs from "node:fs";
import { bytesToHex } from "@bulkhead/base";
import { modelHash } from "@bulkhead/protocol";
import { expect, test } from "vitest";
import { newProcessSite, type ProcessSite } from "../client/process-site.ts";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";
import { hasNamespaces } from "../launch.ts";

const TIMING = { stageMs: 60_000, trainMs: 120_000, resumeMs: 20_000 };

/** A coordinator, two members in this process, and a site to start. */
const prepared = async (rounds = 2) => {
  const federation = newFederation({ rounds, timing: TIMING });
  const coordinator = await coordinate(federation, { startWaitMs: 120_000 });
  const members = [2, 3].map((place) => memberOf(federation, place, { url: () => coordinator.url }));
  return { federation, coordinator, members, site: newProcessSite(federation, coordinator.url) };
};

const isGone = async (site: ProcessSite): Promise<void> => {
  for (let tries = 0; tries < 100 && site.processes().length > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  expect(site.processes()).toEqual([]);
};

const errorOf = (stderr: string): unknown => JSON.parse(stderr).error;

test("a site takes part to the end; the same run asked for again only tells how it ended", async () => {
  const { federation, coordinator, members, site } = await prepared();
  const run = site.start("--run-id", "nightly");
  expect(await run.line({ type: "run" })).toMatchObject({
    member: 1,
    name: "site-1",
    wall: hasNamespaces ? "namespaces" : "process only",
  });
  await run.line({ type: "step", after: "awaiting-update" });
  const running = await site.command("status");
  expect(JSON.parse(running.stdout)).toMatchObject({ running: true, outcome: "running", link: "open" });
  // A second process with the same id waits for the first.
  const waiting = site.start("--run-id", "nightly");
  await waiting.line({ type: "waiting" });
  site.release(1);
  site.release(2);
  const applied = await run.line({ type: "applied", round: 2, survivors: 3 });
  expect([await run.ended, await waiting.ended]).toEqual([0, 0]);
  await coordinator.done;
  await Promise.all(members.map((member) => member.over()));
  expect(applied["modelHash"]).toBe(bytesToHex(modelHash(federation.job, members[0]!.modelBytes)));
  const again = await site.command("run", "--run-id", "nightly");
  expect(again).toMatchObject({ ended: 0, stderr: "" });
  expect(again.stdout).toContain('"outcome":"done"');
  expect(again.stdout).not.toContain('"type":"ready"');
  const after = JSON.parse((await site.command("status")).stdout);
  expect(after).toMatchObject({ running: false, outcome: "done", rounds: { applied: 2, planned: 2 } });
  expect(after.egress).toMatchObject({ attempts: 2, maskedBytes: 2 * federation.job.layout.byteLength });
  await isGone(site);
});

test("a signal ends a run with code 5, a kill leaves no process behind, and the same command goes on", async () => {
  const { coordinator, site } = await prepared(1);
  const first = site.start();
  await first.line({ type: "step", after: "awaiting-update" });
  first.child.kill("SIGTERM");
  expect(await first.ended).toBe(5);
  await isGone(site);
  const second = site.start();
  await second.line({ type: "step", after: "awaiting-update" });
  second.child.kill("SIGKILL");
  await second.ended;
  await isGone(site);
  const third = site.start();
  site.release(1);
  expect(await third.ended).toBe(0);
  expect((await coordinator.done).outcome).toBe("done");
});

test.skipIf(!hasNamespaces)(
  "a gateway that is killed is started anew, and the round ends as if nothing had been",
  async () => {
    const { coordinator, site } = await prepared(1);
    const run = site.start();
    await run.line({ type: "step", after: "awaiting-update" });
    const gateway = site.processes().find((line) => line.includes("gateway-main"));
    process.kill(Number.parseInt(gateway ?? "", 10), "SIGKILL");
    await run.line({ type: "problem", code: "gateway-ended" });
    await run.line({ type: "link", state: "open" });
    site.release(1);
    await run.line({ type: "applied", round: 1, survivors: 3 });
    expect(await run.ended).toBe(0);
    expect((await coordinator.done).outcome).toBe("done");
  },
);

test("a site that leaves while it runs says so, and takes no part again", async () => {
  const { site, members } = await prepared(1);
  const run = site.start();
  await run.line({ type: "step", after: "awaiting-update" });
  const left = await site.command("leave");
  expect(left).toMatchObject({ ended: 0, stderr: "" });
  expect(JSON.parse(left.stdout)).toMatchObject({
    withdrawn: true,
    told: true,
    how: "by the client that was running",
  });
  expect(await run.ended).toBe(3);
  const again = await site.command("run");
  expect(again.ended).toBe(3);
  expect(errorOf(again.stderr)).toMatchObject({ code: "contract-withdrawn" });
  expect(members.every(({ applied }) => applied === 0)).toBe(true);
});

test("a withdrawal stands whether anybody can be told or not, and is told later", async () => {
  const { site, coordinator } = await prepared(1);
  site.configure({ network: { address: "ws://127.0.0.1:1", proxy: "none", reachMs: 300 } });
  const left = await site.command("leave");
  expect(left.ended).toBe(4);
  expect(JSON.parse(left.stdout)).toMatchObject({ withdrawn: true, told: false });
  site.configure({});
  const run = await site.command("run");
  expect([run.ended, errorOf(run.stderr)]).toEqual([
    3,
    expect.objectContaining({ code: "contract-withdrawn" }),
  ]);
  const told = await site.command("leave");
  expect([told.ended, JSON.parse(told.stdout)]).toEqual([0, expect.objectContaining({ told: true })]);
  expect(coordinator.url).not.toBe("");
});

test("what is wrong is one line with its code, and nothing is lost by it", async () => {
  const { site } = await prepared(1);
  site.configure({ network: { address: "ws://127.0.0.1:1", proxy: "none", reachMs: 300 } });
  const unreachable = await site.command("run");
  expect(unreachable.ended).toBe(4);
  expect(errorOf(unreachable.stderr)).toMatchObject({ code: "link-unreachable", place: "ws://127.0.0.1:1" });
  fs.writeFileSync(site.at("passphrase"), "wrong horse\n");
  const wrong = await site.command("run");
  expect([wrong.ended, errorOf(wrong.stderr)]).toEqual([
    2,
    expect.objectContaining({ code: "passphrase-wrong" }),
  ]);
  expect(`${wrong.stdout}${wrong.stderr}`).not.toContain("wrong horse");
  fs.writeFileSync(site.at("passphrase"), "correct horse\n");
  // It has been ready once: a journal must be there.
  fs.rmSync(site.at("state", "cell"), { recursive: true });
  const missing = await site.command("run");
  expect([missing.ended, errorOf(missing.stderr)]).toEqual([
    3,
    expect.objectContaining({ code: "contract-journal-missing" }),
  ]);
});
