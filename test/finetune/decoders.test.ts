import { test } from "vitest";
import { meet } from "../base/decoders.ts";
import { FINETUNE_DECODERS } from "./decoders.ts";

test.each(FINETUNE_DECODERS)("$name takes sound files and refuses all others", (decoder) => {
  meet(decoder, 1000);
});
