import { test } from "vitest";
import { expectHeld, PATIENCE_MS } from "./scenario.ts";

test("the scenario dropout holds", { timeout: PATIENCE_MS }, () => expectHeld("dropout"));
