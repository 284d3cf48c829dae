import { test } from "vitest";
import { meetMany } from "../base/meet-many.ts";
import { FINETUNE_DECODERS } from "../finetune/decoders.ts";

test.each(FINETUNE_DECODERS)("$name holds its law for 10,000 inputs", (decoder) => {
  meetMany(decoder, 10_000);
});
