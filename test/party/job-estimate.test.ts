import { estimateJob } from "@bulkhead/party";
import { expect, test } from "vitest";
import { newFederation } from "../coordinator/federation.ts";

test("a site expands one stream for itself and one for each other member, and trains as long as its rows take", () => {
  const { contract, job } = newFederation({ members: 5, length: 1000 });
  const { site, members, parameters } = estimateJob(contract, {
    maskBytesPerSecond: 1000,
    secondsPerExample: 0.5,
  });
  const { localSteps, batchSize } = contract.training;
  expect({ members, parameters }).toEqual({ members: 5, parameters: 1000 });
  expect(site.maskingSeconds).toBe((5 * job.layout.byteLength) / 1000);
  expect(site.trainingSeconds).toBe(localSteps * batchSize * 0.5);
});

test("the coordinator's memory does not grow with the members, its spool does", () => {
  const [few, many] = [3, 9].map((members) =>
    estimateJob(newFederation({ members, length: 1000 }).contract, { maskBytesPerSecond: 1 }),
  );
  expect(many!.coordinator.memoryBytes).toBe(few!.coordinator.memoryBytes);
  expect(many!.coordinator.spoolBytes).toBe(3 * few!.coordinator.spoolBytes);
  expect(many!.coordinator.trainingSeconds).toBeUndefined();
});
