import fs from "node:fs";
import path from "node:path";
import type { TrainFailure, TrainOutcome } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { updateOf } from "../coordinator/member.ts";
import {
  cellFolder,
  newsOf,
  patientCoordinator,
  patientFederation,
  ROW_TEXTS,
  type RunningSite,
  startSite,
} from "./site.ts";

/** Site 1 of four trains as told; the others play the round without it. */
const withOutcome = async (
  outcome: () => Promise<TrainOutcome>,
): Promise<{ readonly site: RunningSite; readonly logged: readonly unknown[] }> => {
  const federation = patientFederation({ members: 4, rounds: 1 });
  const coordinator = await patientCoordinator(federation);
  const logged: unknown[] = [];
  const others = [2, 3, 4].map((place) => startSite(federation, place, { url: coordinator.url }));
  const site = startSite(federation, 1, {
    url: coordinator.url,
    outcome,
    cell: { log: (error) => logged.push(error) },
  });
  expect(await site.done).toMatchObject({ outcome: "failed", code: "training-failed" });
  expect(await coordinator.done).toEqual({ outcome: "done" });
  for (const { done } of others) expect(await done).toEqual({ outcome: "done" });
  return { site, logged };
};

describe("a site whose training gives nothing usable leaves the round, and the others go on", () => {
  const left = ({ said }: RunningSite) =>
    said.flatMap((frame) => (frame.type === "leave" ? [frame.code] : []));

  test("where a loss is not finite, with the places of the rows", async () => {
    const failure: TrainFailure = { type: "failed", code: "non-finite-loss", facts: { step: 2, rows: [1] } };
    const { site } = await withOutcome(async () => failure);
    expect(left(site)).toEqual(["training-failed"]);
    expect(newsOf(site, "problem")).toMatchObject([
      {
        code: "training-failed",
        place: path.join(site.folder, "rows.jsonl:2"),
        problem: "at step 3 the loss of this row is not a finite number",
      },
    ]);
    expect(newsOf(site, "masked")).toEqual([]);
  });

  test.each([
    ["a value of the update", { lossSum: 5, value: Number.NaN }],
    ["an infinite value of it", { lossSum: 5, value: Infinity }],
    ["the sum of losses", { lossSum: Number.NaN, value: 1 }],
  ])("where %s is not finite, whatever the trainer says of it", async (_, { lossSum, value }) => {
    const update = updateOf(1, 1, 100);
    update[50] = value;
    const { site } = await withOutcome(async () => ({ type: "trained", update, examples: 10, lossSum }));
    expect(left(site)).toEqual(["training-failed"]);
    expect(newsOf(site, "problem")).toHaveLength(1);
    expect(newsOf(site, "masked")).toEqual([]);
  });

  test("where the trainer throws, and what it says is not told", async () => {
    const error = new RangeError(`cannot read "${ROW_TEXTS[0]}"`);
    const { site, logged } = await withOutcome(() => Promise.reject(error));
    expect(left(site)).toEqual(["training-failed"]);
    expect(newsOf(site, "problem")).toMatchObject([
      { problem: "the trainer ended with an error (RangeError)" },
    ]);
    expect(JSON.stringify(site.news)).not.toContain(ROW_TEXTS[0]);
    expect(logged).toEqual([error]);
  });
});

test("a trainer is told what the contract says, and each round the same shuffle seed that no one else has", async () => {
  const federation = patientFederation();
  const coordinator = await patientCoordinator(federation);
  const sites = [1, 2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
  await Promise.all(sites.map(({ done }) => done));
  const [first, second] = sites[0]!.trainers[0]!.jobs;
  expect(first).toMatchObject({
    round: 1,
    rounds: 2,
    localSteps: 1,
    batchSize: 1,
    learningRate: 1,
    schedule: "constant",
    optimiser: { type: "sgd" },
  });
  expect(second!.shuffleSeed).toEqual(first!.shuffleSeed);
  expect(sites[1]!.trainers[0]!.jobs[0]!.shuffleSeed).not.toEqual(first!.shuffleSeed);
});

test("nothing that crosses the pipe, and nothing on the disk, has a row, an update or a secret in it", async () => {
  const federation = patientFederation({ rounds: 1 });
  const coordinator = await patientCoordinator(federation);
  const secrets: Uint8Array[] = [];
  const places = [1, 2, 3];
  const sites = places.map((place) => startSite(federation, place, { url: coordinator.url }));
  const kept: Buffer[] = [];
  const folder = cellFolder(federation, sites[0]!);
  fs.mkdirSync(folder, { recursive: true });
  const watcher = fs.watch(folder, (_, name) => {
    if (name === "update.sealed" && fs.existsSync(path.join(folder, name)))
      kept.push(fs.readFileSync(path.join(folder, name)));
  });
  await Promise.all(sites.map(({ done }) => done));
  watcher.close();
  for (const [i, { signing, siteSecret }] of federation.members.entries()) {
    secrets.push(signing.secretKey.reveal(), siteSecret.reveal());
    secrets.push(sites[i]!.trainers[0]!.jobs[0]!.shuffleSeed);
    secrets.push(new Uint8Array(updateOf(places[i]!, 1, 100).buffer).subarray(0, 64));
  }
  const hidden = [...secrets, ...ROW_TEXTS.map((text) => Buffer.from(text))];
  const journals = sites.map((site) => fs.readFileSync(path.join(cellFolder(federation, site), "journal")));
  const seen = Buffer.concat([...sites.flatMap(({ crossed }) => crossed), ...kept, ...journals]);
  for (const bytes of hidden) expect(seen.includes(Buffer.from(bytes))).toBe(false);
  // The search finds what is there.
  expect(seen.includes(Buffer.from("awaiting-roster"))).toBe(true);
  expect(kept.some(({ length }) => length > 400)).toBe(true);
});
