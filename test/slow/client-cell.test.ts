import fs from "node:fs";
import path from "node:path";
import type { CellOptions } from "@bulkhead/client";
import { describe, expect, test } from "vitest";
import { expectedModel, reportOf, STEP } from "../coordinator/outcome.ts";
import { updateOf } from "../coordinator/member.ts";
import { knownTrainer } from "../client/known-trainer.ts";
import {
  cellFolder,
  modelOf,
  newsOf,
  patientCoordinator,
  patientFederation,
  ROW_TEXTS,
  sentFrame,
  startSite,
} from "../client/site.ts";

const DONE = { outcome: "done" };
const all = [1, 2, 3];

/** Three sites, three rounds, and hidden rows at the first site. */
const playUndisturbed = async () => {
  const federation = patientFederation({ rounds: 3 });
  const coordinator = await patientCoordinator(federation);
  const { url } = coordinator;
  const evaluation = path.join(federation.folder, "hidden.jsonl");
  fs.writeFileSync(evaluation, '{"text":"hidden from all","label":1}\n');
  const sites = all.map((place) =>
    startSite(federation, place, { url, ...(place === 1 ? { evaluation } : {}) }),
  );
  const kept: Buffer[] = [];
  const sealed = path.join(cellFolder(federation, sites[0]!), "update.sealed");
  const watching = setInterval(() => {
    if (fs.existsSync(sealed)) kept.push(fs.readFileSync(sealed));
  }, 1);
  const outcomes = await Promise.all(sites.map(({ done }) => done));
  clearInterval(watching);
  expect(await coordinator.done).toEqual(DONE);
  return { federation, coordinator, sites, kept, outcomes };
};

test("an undisturbed job of three cells", async () => {
  const { federation, coordinator, sites, kept, outcomes } = await playUndisturbed();
  const [site] = sites;

  // All end with the mean of all updates, bit for bit alike.
  expect(outcomes).toEqual([DONE, DONE, DONE]);
  const published = fs.readFileSync(path.join(reportOf(coordinator).checkpoint, "model.safetensors"));
  for (const each of sites) {
    const own = fs.readFileSync(path.join(cellFolder(federation, each), "models", "round-3.safetensors"));
    expect(published.equals(own)).toBe(true);
  }
  const model = modelOf(federation, site!, 3);
  for (const [i, value] of expectedModel(federation, [all, all, all]).entries())
    expect(Math.abs(model[i]! - value)).toBeLessThan(3 * STEP);

  // The sum carries each site's weight, examples and losses.
  const scalars = { weight: 3, clipped: 0, clamped: 0, examples: 60, "loss-sum": 30 };
  expect(reportOf(coordinator).rounds[0].scalars).toEqual(scalars);

  // Its news tell what the site does, in order.
  const types = site!.news.map(({ type }) => type).filter((type) => !["step", "traffic"].includes(type));
  const order = [
    "ready",
    "link",
    "fetching",
    "training",
    "trained",
    "masked",
    "applied",
    "evaluated",
    "outcome",
  ];
  expect([...new Set(types)]).toEqual(order);
  expect(newsOf(site!, "ready")).toEqual([
    {
      type: "ready",
      member: 1,
      applied: 0,
      rows: 3,
      backend: "known updates",
      engine: expect.stringMatching(/^inline, /u),
    },
  ]);
  expect(newsOf(site!, "trained")[0]).toEqual({
    type: "trained",
    round: 1,
    examples: 10,
    loss: 0.5,
    kept: false,
  });
  expect(newsOf(site!, "applied").map(({ round }) => round)).toEqual(all);
  expect(newsOf(site!, "outcome")).toEqual([{ type: "outcome", outcome: "done", applied: 3 }]);
  expect(newsOf(site!, "step").map(({ after }) => after)).toEqual(
    expect.arrayContaining(["awaiting-roster", "awaiting-survivors", "awaiting-result", "applied"]),
  );

  // Each new model is judged on the site's own hidden rows, before the run ends.
  const figures = { examples: 1, loss: 0.25, accuracy: 0.75, balancedAccuracy: 0.5 };
  expect(newsOf(site!, "evaluated")).toEqual(all.map((round) => ({ type: "evaluated", round, ...figures })));
  expect(newsOf(sites[1]!, "evaluated")).toEqual([]);

  // The last two models stay, and no update.
  const folder = cellFolder(federation, site!);
  expect(fs.readdirSync(folder).sort()).toEqual(["journal", "models"]);
  expect(fs.readdirSync(path.join(folder, "models")).sort()).toEqual([
    "round-2.safetensors",
    "round-3.safetensors",
  ]);

  // The trainer is told what the contract says, and each round the same shuffle seed, which no other site has.
  const [first, second] = site!.trainers[0]!.jobs;
  const training = { localSteps: 1, batchSize: 1, learningRate: 1, schedule: "constant" };
  expect(first).toMatchObject({ round: 1, rounds: 3, ...training, optimiser: { type: "sgd" } });
  expect(second!.shuffleSeed).toEqual(first!.shuffleSeed);
  expect(sites[1]!.trainers[0]!.jobs[0]!.shuffleSeed).not.toEqual(first!.shuffleSeed);

  // Nothing that crosses a pipe, and nothing on the disk, has a row, an update or a secret in it.
  const hidden = [...ROW_TEXTS, "hidden from all"].map((text) => Buffer.from(text));
  for (const [i, { signing, siteSecret }] of federation.members.entries()) {
    hidden.push(Buffer.from(signing.secretKey.reveal()), Buffer.from(siteSecret.reveal()));
    hidden.push(Buffer.from(sites[i]!.trainers[0]!.jobs[0]!.shuffleSeed));
    hidden.push(Buffer.from(new Uint8Array(updateOf(i + 1, 1, 16).buffer)));
  }
  const journals = sites.map((each) => fs.readFileSync(path.join(cellFolder(federation, each), "journal")));
  const seen = Buffer.concat([...sites.flatMap(({ crossed }) => crossed), ...kept, ...journals]);
  for (const bytes of hidden) expect(seen.indexOf(bytes)).toBe(-1);
  // The search finds what is there, and the sealed update was there.
  expect(seen.indexOf(Buffer.from("awaiting-roster"))).not.toBe(-1);
  expect(kept.some(({ length }) => length > 400)).toBe(true);
});

describe("an operator", () => {
  test("stops a site, which says so and ends; the same site started again goes on", async () => {
    const federation = patientFederation({ rounds: 1 });
    const coordinator = await patientCoordinator(federation);
    const others = [2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
    const stopped = startSite(federation, 1, {
      url: coordinator.url,
      onWay: (from, message, site) => {
        const frame = sentFrame(from, message);
        if (frame?.type === "shares") site.tell({ type: "stop", withdraws: false });
        return [message];
      },
    });
    expect(await stopped.done).toMatchObject({ outcome: "stopped", code: "stopped" });
    expect(stopped.said.at(-1)).toMatchObject({ type: "leave", code: "stopped" });
    const again = startSite(federation, 1, { url: coordinator.url, settings: { isUsed: true } });
    expect(await coordinator.done).toEqual(DONE);
    expect(await Promise.all([again, ...others].map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
  });

  test("stops a site in the middle of its training, and that the trainer breaks off is no problem", async () => {
    const federation = patientFederation({ rounds: 1 });
    const coordinator = await patientCoordinator(federation);
    const others = [2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
    let breakOff = () => {};
    const training = new Promise<never>((_, reject) => {
      breakOff = () => reject(new Error("the worker thread was closed"));
    });
    const outcome = () => {
      site.tell({ type: "stop", withdraws: false });
      return training;
    };
    const openTrainer: CellOptions["openTrainer"] = async () => ({
      ...knownTrainer({ id: 1, tensors: federation.contract.tensors, examples: [], outcome }),
      close: async () => breakOff(),
    });
    const site = startSite(federation, 1, { url: coordinator.url, cell: { openTrainer } });
    expect(await site.done).toMatchObject({ outcome: "stopped", code: "stopped" });
    expect(newsOf(site, "problem")).toEqual([]);
    for (const other of others) other.tell({ type: "stop", withdraws: false });
    coordinator.stop();
    await Promise.all([coordinator.done, ...others.map(({ done }) => done)]);
  });

  test("stops a site while it starts, and nothing is sent", async () => {
    const site = startSite(patientFederation(), 1, { url: "ws://127.0.0.1:1" });
    site.tell({ type: "stop", withdraws: false });
    expect(await site.done).toMatchObject({ outcome: "stopped", code: "stopped" });
    expect(site.said).toEqual([]);
  });

  test("withdraws consent, and a withdrawn site says nothing but that", async () => {
    const federation = patientFederation();
    const coordinator = await patientCoordinator(federation);
    const first = startSite(federation, 1, {
      url: coordinator.url,
      onWay: (from, message, site) => {
        const frame = sentFrame(from, message);
        if (frame?.type === "hello" && frame.modelHash.some((byte) => byte !== 0))
          site.tell({ type: "stop", withdraws: true });
        return [message];
      },
    });
    expect(await first.done).toMatchObject({ outcome: "withdrawn", code: "consent-withdrawn" });
    const withdrawn = { isWithdrawn: true, isUsed: true };
    const again = startSite(federation, 1, { url: coordinator.url, settings: withdrawn });
    expect(await again.done).toMatchObject({ outcome: "withdrawn" });
    expect(again.said).toEqual([{ type: "leave", round: 0, attempt: 0, code: "consent-withdrawn" }]);
    expect(again.trainers).toEqual([]);
    coordinator.stop();
    await coordinator.done;
  });
});
