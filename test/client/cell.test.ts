import { describe, expect, test } from "vitest";
import { coordinate, newFederation } from "../coordinator/federation.ts";
import { newsOf, startSite } from "./site.ts";

describe("three cells", () => {
  test("fetch the first model, train, and publish the exact sum", async () => {
    const federation = newFederation({ rounds: 2 });
    const coordinator = await coordinate(federation);
    const sites = [1, 2, 3].map((place) => startSite(federation, place, { url: coordinator.url }));
    expect(await coordinator.done).toEqual({ outcome: "done" });
    expect(await Promise.all(sites.map(({ done }) => done))).toEqual(sites.map(() => ({ outcome: "done" })));
    for (const site of sites) expect(newsOf(site, "applied").map(({ round }) => round)).toEqual([1, 2]);
  });
});
