import { test } from "vitest";
import { meetMany } from "../base/meet-many.ts";
import { FINETUNE_DECODERS } from "../finetune/decoders.ts";

test.each(FINETUNE_DECODERS)("$name holds its law for 100,000 inputs", (decoder) => {
  meetMany(decoder, 100_000);
});
