import { ringSelfTest } from "@bulkhead/compute";
import { expect, test } from "vitest";
import { slowRingEngine } from "../reference/ring.ts";

test("the known answers of the self-test are those of the slow twin", async () => {
  expect(await ringSelfTest(slowRingEngine())).toBeUndefined();
});
