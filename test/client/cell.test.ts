import fs from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { expectedModel, reportOf, STEP } from "../coordinator/outcome.ts";
import {
  cellFolder,
  modelOf,
  newsOf,
  patientCoordinator,
  patientFederation,
  sentFrame,
  startSite,
} from "./site.ts";

const DONE = { outcome: "done" };
const all = [1, 2, 3];

describe("an undisturbed job", () => {
  test("three cells fetch the first model, and all end with the mean of all updates, bit for bit alike", async () => {
    const federation = patientFederation();
    const coordinator = await patientCoordinator(federation);
    const sites = all.map((place) => startSite(federation, place, { url: coordinator.url }));
    expect(await coordinator.done).toEqual(DONE);
    expect(await Promise.all(sites.map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
    const published = fs.readFileSync(path.join(reportOf(coordinator).checkpoint, "model.safetensors"));
    for (const site of sites) {
      const own = fs.readFileSync(path.join(cellFolder(federation, site), "models", "round-2.safetensors"));
      expect(published.equals(own)).toBe(true);
    }
    const expected = expectedModel(federation, [all, all]);
    const model = modelOf(federation, sites[0]!, 2);
    for (const [i, value] of expected.entries()) expect(Math.abs(model[i]! - value)).toBeLessThan(2 * STEP);
  });

  test("the sum carries each site's weight, examples and losses", async () => {
    const federation = patientFederation({ rounds: 1 });
    const coordinator = await patientCoordinator(federation);
    const sites = all.map((place) => startSite(federation, place, { url: coordinator.url }));
    await Promise.all(sites.map(({ done }) => done));
    await coordinator.done;
    expect(reportOf(coordinator).rounds[0].scalars).toEqual({
      weight: 3,
      clipped: 0,
      clamped: 0,
      examples: 60,
      "loss-sum": 30,
    });
  });

  test("its news tell what the site does, in order", async () => {
    const federation = patientFederation({ rounds: 1 });
    const coordinator = await patientCoordinator(federation);
    const sites = all.map((place) => startSite(federation, place, { url: coordinator.url }));
    await Promise.all(sites.map(({ done }) => done));
    const [site] = sites;
    const types = site!.news.map(({ type }) => type).filter((type) => type !== "step" && type !== "traffic");
    expect([...new Set(types)]).toEqual([
      "ready",
      "link",
      "fetching",
      "training",
      "trained",
      "masked",
      "applied",
      "outcome",
    ]);
    expect(newsOf(site!, "ready")).toEqual([
      { type: "ready", member: 1, applied: 0, rows: 3, backend: "known updates" },
    ]);
    expect(newsOf(site!, "trained")).toEqual([
      { type: "trained", round: 1, examples: 10, loss: 0.5, kept: false },
    ]);
    expect(newsOf(site!, "outcome")).toEqual([{ type: "outcome", outcome: "done", applied: 1 }]);
    expect(newsOf(site!, "step").map(({ after }) => after)).toEqual(
      expect.arrayContaining(["awaiting-roster", "awaiting-survivors", "awaiting-result", "applied"]),
    );
  });

  test("each new model is judged on the site's own hidden rows, before the run ends", async () => {
    const federation = patientFederation();
    const coordinator = await patientCoordinator(federation);
    const sites = all.map((place) => {
      const site = { url: coordinator.url };
      if (place !== 1) return startSite(federation, place, site);
      const hidden = path.join(federation.folder, "hidden.jsonl");
      fs.writeFileSync(hidden, '{"text":"hidden from all","label":1}\n');
      return startSite(federation, place, { ...site, evaluation: hidden });
    });
    await Promise.all(sites.map(({ done }) => done));
    const figures = { examples: 1, loss: 0.25, accuracy: 0.75, balancedAccuracy: 0.5 };
    expect(newsOf(sites[0]!, "evaluated")).toEqual([
      { type: "evaluated", round: 1, ...figures },
      { type: "evaluated", round: 2, ...figures },
    ]);
    expect(newsOf(sites[1]!, "evaluated")).toEqual([]);
  });

  test("the last two models stay, and no update", async () => {
    const federation = patientFederation({ rounds: 3 });
    const coordinator = await patientCoordinator(federation);
    const sites = all.map((place) => startSite(federation, place, { url: coordinator.url }));
    await Promise.all(sites.map(({ done }) => done));
    const folder = cellFolder(federation, sites[0]!);
    expect(fs.readdirSync(folder).sort()).toEqual(["journal", "models"]);
    expect(fs.readdirSync(path.join(folder, "models")).sort()).toEqual([
      "round-2.safetensors",
      "round-3.safetensors",
    ]);
  });
});

describe("an operator", () => {
  test("stops a site, which says so and ends; the same site started again goes on", async () => {
    const federation = patientFederation();
    const coordinator = await patientCoordinator(federation);
    const others = [2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
    const codes: string[] = [];
    const stopped = startSite(federation, 1, {
      url: coordinator.url,
      onWay: (from, message, site) => {
        const frame = sentFrame(from, message);
        if (frame?.type === "shares") site.tell({ type: "stop", withdraws: false });
        if (frame?.type === "leave") codes.push(frame.code);
        return [message];
      },
    });
    expect(await stopped.done).toMatchObject({ outcome: "stopped", code: "stopped" });
    expect(codes).toEqual(["stopped"]);
    const again = startSite(federation, 1, { url: coordinator.url, settings: { isUsed: true } });
    expect(await coordinator.done).toEqual(DONE);
    expect(await Promise.all([again, ...others].map(({ done }) => done))).toEqual([DONE, DONE, DONE]);
  });

  test("withdraws consent, and a withdrawn site says nothing but that", async () => {
    const federation = patientFederation();
    const coordinator = await patientCoordinator(federation);
    for (const place of [2, 3]) startSite(federation, place, { url: coordinator.url });
    const first = startSite(federation, 1, {
      url: coordinator.url,
      onWay: (from, message, site) => {
        if (sentFrame(from, message)?.type === "advert") site.tell({ type: "stop", withdraws: true });
        return [message];
      },
    });
    expect(await first.done).toMatchObject({ outcome: "withdrawn", code: "consent-withdrawn" });
    const said: string[] = [];
    const again = startSite(federation, 1, {
      url: coordinator.url,
      settings: { isWithdrawn: true, isUsed: true },
      onWay: (from, message) => {
        const frame = sentFrame(from, message);
        if (frame !== undefined) said.push(frame.type === "leave" ? frame.code : frame.type);
        return [message];
      },
    });
    expect(await again.done).toMatchObject({ outcome: "withdrawn" });
    expect(said).toEqual(["consent-withdrawn"]);
    expect(again.trainers).toEqual([]);
    coordinator.stop();
    await coordinator.done;
  });
});
