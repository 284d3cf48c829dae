import { describe } from "vitest";
import { gradientCases } from "../finetune/gradient-cases.ts";

/** The other backends stand in test/slow. */
describe("a classifier", () => gradientCases("wasm"));
