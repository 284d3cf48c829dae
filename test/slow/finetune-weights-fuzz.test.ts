import { test } from "vitest";
import { meetWeightFiles, WEIGHT_FORMATS } from "../finetune/weights/meet-weight-files.ts";

test.each(WEIGHT_FORMATS)("$name holds for a thousand files, lying and changed", (format) =>
  meetWeightFiles(format, 1_000),
);
