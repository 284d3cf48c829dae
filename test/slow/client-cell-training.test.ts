/** What becomes of a site whose training gives nothing usable. */
import path from "node:path";
import type { TrainFailure, TrainOutcome } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { updateOf } from "../coordinator/member.ts";
import {
  newsOf,
  patientCoordinator,
  patientFederation,
  ROW_TEXTS,
  type RunningSite,
  startSite,
} from "../client/site.ts";

/** The first site trains as told, and the coordinator goes on with those who are left, where they are enough. */
const withOutcome = async (outcome: () => Promise<TrainOutcome>, members = 3) => {
  const federation = patientFederation({ members, rounds: 1 });
  const coordinator = await patientCoordinator(federation);
  const { url } = coordinator;
  const places = Array.from({ length: members - 1 }, (_, i) => i + 2);
  const others = places.map((place) => startSite(federation, place, { url }));
  const logged: unknown[] = [];
  const cell = { log: (error: unknown) => logged.push(error) };
  const site = startSite(federation, 1, { url, outcome, cell });
  expect(await site.done).toMatchObject({ outcome: "failed", code: "training-failed" });
  if (members === 3) coordinator.stop();
  return { site, logged, others, ended: await coordinator.done };
};

const left = ({ said }: RunningSite) => said.flatMap((frame) => (frame.type === "leave" ? [frame.code] : []));

describe("a site leaves the round", () => {
  test("where a loss is not finite, with the places of the rows, and the others go on", async () => {
    const failure: TrainFailure = { type: "failed", code: "non-finite-loss", facts: { step: 2, rows: [1] } };
    const { site, others, ended } = await withOutcome(async () => failure, 4);
    expect(left(site)).toEqual(["training-failed"]);
    expect(newsOf(site, "problem")).toMatchObject([
      {
        code: "training-failed",
        place: path.join(site.folder, "rows.jsonl:2"),
        problem: "at step 3 the loss of this row is not a finite number",
      },
    ]);
    expect(newsOf(site, "masked")).toEqual([]);
    expect(ended).toEqual({ outcome: "done" });
    for (const { done } of others) expect(await done).toEqual({ outcome: "done" });
  });

  test.each([
    ["a value of the update", { lossSum: 5, value: Number.NaN }],
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
