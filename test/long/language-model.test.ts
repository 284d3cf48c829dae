/** The recipe's margins, which are of the mean of three seeds. */
import { test } from "vitest";
import { expectHeld } from "../e2e/scenario.ts";

test("the scenario language-model holds its margins over three seeds", () =>
  expectHeld("language-model", "--quick", "--seeds", "3"));
