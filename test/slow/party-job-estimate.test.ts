import { estimateJob } from "@bulkhead/party";
import { expect, test } from "vitest";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";
import { reportOf } from "../coordinator/outcome.ts";

interface Traffic {
  readonly up: number;
  readonly down: number;
}

test.each([
  [3, 5000],
  [9, 100],
])(
  "what a round of %i members is estimated to carry is within a fifth of what it carries",
  async (n, length) => {
    const federation = newFederation({ members: n, length, rounds: 3 });
    const coordinator = await coordinate(federation);
    const places = federation.members.map((_, i) => i + 1);
    for (const place of places) memberOf(federation, place, { url: () => coordinator.url });
    expect(await coordinator.done).toEqual({ outcome: "done" });
    const { site, coordinator: provider } = estimateJob(federation.contract, { maskBytesPerSecond: 1e9 });
    // In the first round members also fetch the model.
    const traffic: Traffic[] = Object.values(reportOf(coordinator).rounds[1].bytesBySite);
    const sum = (of: (one: Traffic) => number) => traffic.reduce((total, one) => total + of(one), 0);
    const near = (estimate: number, real: number) => expect(Math.abs(estimate / real - 1)).toBeLessThan(0.2);
    near(
      n * site.bytesUp,
      sum(({ up }) => up),
    );
    near(
      n * site.bytesDown,
      sum(({ down }) => down),
    );
    expect([provider.bytesDown, provider.bytesUp]).toEqual([n * site.bytesUp, n * site.bytesDown]);
  },
);
