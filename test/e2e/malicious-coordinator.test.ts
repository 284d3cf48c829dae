import { test } from "vitest";
import { expectHeld, PATIENCE_MS } from "./scenario.ts";

test("the scenario malicious-coordinator holds", { timeout: PATIENCE_MS }, () =>
  expectHeld("malicious-coordinator"),
);
