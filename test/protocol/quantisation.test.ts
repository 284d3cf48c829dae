import { CLAMPED, CLIPPED, quantisationOf } from "@bulkhead/protocol";
import { payloadLaneCount, planProblem, WEIGHT } from "@bulkhead/secagg";
import { federation } from "@bulkhead/simulation";
import { expect, test } from "vitest";

const { contract } = federation("quantisation", { members: 5 }).job;

test("every number of the plan stands in the contract", () => {
  const plan = quantisationOf(contract);
  expect(planProblem(plan)).toBeUndefined();
  expect(plan).toMatchObject({
    laneBits: 16,
    members: 5,
    weightClasses: 4,
    tensors: [
      { name: "tensor-1", length: 81, range: 1 },
      { name: "tensor-2", length: 19, range: 2 },
    ],
  });
  expect(plan.scalars).toEqual([
    { name: WEIGHT, least: 0, most: 4, resolution: 1 },
    { name: CLIPPED, least: 0, most: 1, resolution: 1 },
    { name: CLAMPED, least: 0, most: 100, resolution: 1 },
    { name: "loss", least: 0, most: 100, resolution: 0.01 },
  ]);
});

test("the roster counts for the room in a lane, whoever answers", () => {
  const few = quantisationOf({ ...contract, members: contract.members.slice(0, 3) });
  expect([few.members, quantisationOf(contract).members]).toEqual([3, 5]);
});

test("a lane stands for each coordinate, and one or more for each scalar", () => {
  expect(payloadLaneCount(quantisationOf(contract))).toBeGreaterThanOrEqual(100 + 4);
});
