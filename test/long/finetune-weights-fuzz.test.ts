import { test } from "vitest";
import { meetWeightFiles, WEIGHT_FORMATS } from "../finetune/weights/meet-weight-files.ts";

test.each(WEIGHT_FORMATS)("$name holds for 14,000 files, lying and changed", (format) =>
  meetWeightFiles(format, 14_000),
);
