import { describe } from "vitest";
import { modelCases } from "./model-cases.ts";
import { SMALL_MODELS } from "./small-models.ts";

/** The other backends stand in test/slow. */
describe("a model of every family", () => modelCases("cpu", SMALL_MODELS));
