import { test } from "vitest";
import { meet } from "../base/decoders.ts";
import { CONTRACT_DECODERS, PROTOCOL_DECODERS } from "./decoders.ts";

test.each(PROTOCOL_DECODERS)("$name takes what is true and refuses all other bytes", (decoder) => {
  meet(decoder, 200);
});

test.each(CONTRACT_DECODERS)("$name takes what is true and refuses all other bytes", (decoder) => {
  meet(decoder, 50);
});
