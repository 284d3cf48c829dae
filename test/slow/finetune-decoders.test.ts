import { test } from "vitest";
import { meet } from "../base/decoders.ts";
import { FINETUNE_DECODERS } from "../finetune/decoders.ts";

test.each(FINETUNE_DECODERS)("$name holds its law for 100,000 inputs", (decoder) => {
  meet(decoder, 100_000);
});
