/** Every family on the backends whose start is slow. */
import { describe } from "vitest";
import { hasNative } from "../finetune/has-native.ts";
import { modelCases } from "../finetune/models/model-cases.ts";
import { SMALL_MODELS } from "../finetune/models/small-models.ts";

describe("a model of every family", () => modelCases("wasm", SMALL_MODELS));

const native = hasNative
  ? "a native model of every family"
  : "a native model of every family (skipped: `npm run setup:native` has not built the backend)";

describe.skipIf(!hasNative)(native, () => modelCases("tensorflow", SMALL_MODELS));
