import { test } from "vitest";
import { expectHeld, PATIENCE_MS } from "./scenario.ts";

// Every place at which it can be killed comes in a first round too.
test("the scenario coordinator-crash holds, for one round", { timeout: PATIENCE_MS }, () =>
  expectHeld("coordinator-crash", "--rounds", "1"),
);
