import fs from "node:fs";
import path from "node:path";
import type { ClientFrame } from "@bulkhead/protocol";
import { describe, expect, test, vi } from "vitest";
import { updateOf } from "../coordinator/member.ts";
import { reportOf } from "../coordinator/outcome.ts";
import {
  cellFolder,
  newsOf,
  patientCoordinator,
  patientFederation,
  type RunningSite,
  sentFrame,
  type SiteOptions,
  startSite,
} from "../client/site.ts";

const DONE = { outcome: "done" };

/** Stops everything between cell and gateway at the first message of this type, before it is sent or after. */
const killedAt = (
  type: ClientFrame["type"],
  when: "before" | "after",
  isIt: (frame: ClientFrame) => boolean = () => true,
): NonNullable<SiteOptions["onWay"]> => {
  let isKilled = false;
  return (from, message, site) => {
    const frame = sentFrame(from, message);
    if (isKilled) return [];
    if (frame?.type !== type || !isIt(frame)) return [message];
    isKilled = true;
    if (when === "before") {
      site.kill();
      return [];
    }
    setImmediate(site.kill);
    return [message];
  };
};

const roundsSaid = (sites: readonly RunningSite[], type: string): readonly number[] => {
  const rounds: number[] = [];
  for (const { said } of sites) for (const frame of said) if (frame.type === type) rounds.push(frame.round);
  return rounds;
};

describe("a cell that is killed and started again", () => {
  test.each([
    ["before its advert", "advert", "before"],
    ["after its advert", "advert", "after"],
    ["after its shares", "shares", "after"],
    ["before the trailer of its masked update", "masked", "before"],
    ["after it", "masked", "after"],
    ["before its agreement is sent", "agree", "before"],
    ["after its agreement", "agree", "after"],
    ["after its shares were released", "unmask", "after"],
  ] as const)(
    "%s ends with the others' model, trains no round twice and signs none twice",
    async (_, type, when) => {
      const federation = patientFederation({ members: 4, rounds: 2, attempts: 4 });
      const coordinator = await patientCoordinator(federation);
      const url = coordinator.url;
      const others = [1, 2, 3].map((place) => startSite(federation, place, { url }));
      const killed = startSite(federation, 4, { url, onWay: killedAt(type, when) });
      expect(await killed.done).toMatchObject({ outcome: "stopped", code: "abandoned" });
      const again = startSite(federation, 4, { url, settings: { isUsed: true } });
      expect(await coordinator.done).toEqual(DONE);
      expect(await Promise.all([again, ...others].map(({ done }) => done))).toEqual([DONE, DONE, DONE, DONE]);
      const published = fs.readFileSync(path.join(reportOf(coordinator).checkpoint, "model.safetensors"));
      const own = path.join(cellFolder(federation, again), "models", "round-2.safetensors");
      expect(published.equals(fs.readFileSync(own))).toBe(true);
      const trained = [...killed.trainers, ...again.trainers].flatMap(({ jobs }) => jobs);
      // Before that it may have been killed while it trained.
      if (["masked", "agree", "unmask"].includes(type))
        expect(new Set(trained.map(({ round }) => round)).size).toBe(trained.length);
      const signed = roundsSaid([killed, again], "agree");
      expect(new Set(signed).size).toBe(signed.length);
      expect(new Set(roundsSaid(others, "agree"))).toEqual(new Set([1, 2]));
    },
  );

  test("masks the update that it has finished before, and says so", async () => {
    const federation = patientFederation({ rounds: 1 });
    const coordinator = await patientCoordinator(federation);
    const url = coordinator.url;
    const others = [1, 2].map((place) => startSite(federation, place, { url }));
    const killed = startSite(federation, 3, { url, onWay: killedAt("masked", "before") });
    await killed.done;
    expect(newsOf(killed, "trained")).toMatchObject([{ kept: false }]);
    const again = startSite(federation, 3, { url, settings: { isUsed: true } });
    await Promise.all([again, ...others].map(({ done }) => done));
    expect(await coordinator.done).toEqual(DONE);
    expect(newsOf(again, "trained")).toEqual([
      { type: "trained", round: 1, examples: 30, loss: 0.5, kept: true },
    ]);
    expect(again.trainers[0]!.jobs).toEqual([]);
    expect(reportOf(coordinator).rounds[0].scalars["loss-sum"]).toBe(30);
  });

  test("that has applied every round is done without a word", async () => {
    const federation = patientFederation({ rounds: 1 });
    const coordinator = await patientCoordinator(federation);
    const sites = [1, 2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
    await Promise.all(sites.map(({ done }) => done));
    const again = startSite(federation, 1, { url: coordinator.url, settings: { isUsed: true } });
    expect(await again.done).toEqual(DONE);
    expect(again.said).toEqual([]);
    expect(again.trainers).toEqual([]);
  });
});

describe("rounds that a site has missed", () => {
  test("are applied one after the other before it takes part", async () => {
    const federation = patientFederation({ members: 4, rounds: 3 });
    const coordinator = await patientCoordinator(federation, { startWaitMs: 50 });
    const url = coordinator.url;
    let late: RunningSite | undefined;
    // The second round waits until the site that is late has applied the first.
    const slow: SiteOptions["outcome"] = async ({ round, model }) => {
      if (round === 2) {
        late = startSite(federation, 4, { url });
        await vi.waitUntil(() => newsOf(late!, "applied").length > 0, { timeout: 20_000 });
      }
      return { type: "trained", update: updateOf(1, round, model.length), examples: 10, lossSum: 5 };
    };
    const others = [1, 2, 3].map((place) =>
      startSite(federation, place, { url, ...(place === 1 ? { outcome: slow } : {}) }),
    );
    expect(await coordinator.done).toEqual(DONE);
    expect(await Promise.all([late!, ...others].map(({ done }) => done))).toEqual([DONE, DONE, DONE, DONE]);
    expect(newsOf(late!, "applied").map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(late!.trainers[0]!.jobs.map(({ round }) => round)).toEqual([3]);
    const models = [late!, others[0]!].map((site) =>
      fs.readFileSync(path.join(cellFolder(federation, site), "models", "round-3.safetensors")),
    );
    expect(models[0]!.equals(models[1]!)).toBe(true);
  });

  test("are applied again where the model was lost, and must give the model of the journal", async () => {
    const federation = patientFederation({ rounds: 3 });
    const coordinator = await patientCoordinator(federation);
    const url = coordinator.url;
    const others = [1, 2].map((place) => startSite(federation, place, { url }));
    const killed = startSite(federation, 3, {
      url,
      onWay: killedAt("hello", "before", (frame) => frame.type === "hello" && frame.applied === 2),
    });
    await killed.done;
    const models = path.join(cellFolder(federation, killed), "models");
    fs.rmSync(models, { recursive: true });
    const again = startSite(federation, 3, { url, settings: { isUsed: true } });
    expect(await coordinator.done).toEqual(DONE);
    expect(await Promise.all([again, ...others].map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
    expect(newsOf(again, "applied").map(({ round }) => round)).toEqual([1, 2, 3]);
    expect(again.trainers[0]!.jobs.map(({ round }) => round)).toEqual([3]);
  });
});

describe("a journal", () => {
  const playOne = async () => {
    const federation = patientFederation({ rounds: 2 });
    const coordinator = await patientCoordinator(federation);
    const others = [1, 2].map((place) => startSite(federation, place, { url: coordinator.url }));
    const site = startSite(federation, 3, { url: coordinator.url });
    await Promise.all([site, ...others].map(({ done }) => done));
    return { federation, url: coordinator.url, folder: cellFolder(federation, site) };
  };

  test("that is gone although the identity has taken part is refused", async () => {
    const { federation, url, folder } = await playOne();
    fs.rmSync(folder, { recursive: true });
    const again = startSite(federation, 3, { url, settings: { isUsed: true } });
    expect(await again.done).toMatchObject({ outcome: "refused", code: "contract-journal-missing" });
    expect(again.said).toEqual([]);
  });

  test("that is an old copy beside newer models is refused", async () => {
    const { federation, url, folder } = await playOne();
    const journal = path.join(folder, "journal");
    fs.rmSync(journal);
    const again = startSite(federation, 3, { url });
    expect(await again.done).toMatchObject({ outcome: "refused", code: "contract-journal-rolled-back" });
    expect(again.said).toEqual([]);
  });

  test("that was altered is refused", async () => {
    const { federation, url, folder } = await playOne();
    const journal = path.join(folder, "journal");
    const bytes = fs.readFileSync(journal);
    bytes[bytes.length >> 1]! ^= 1;
    fs.writeFileSync(journal, bytes);
    const again = startSite(federation, 3, { url, settings: { isUsed: true } });
    expect(await again.done).toMatchObject({ outcome: "failed", code: "journal-damaged" });
  });
});
