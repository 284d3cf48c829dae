import { test } from "vitest";
import { meet } from "../base/decoders.ts";
import { CRYPTO_DECODERS, SLOW_CRYPTO_DECODERS } from "./decoders.ts";

test.each(CRYPTO_DECODERS)("$name takes what is true and refuses all other bytes", (decoder) => {
  meet(decoder, 1000);
});

test.each(SLOW_CRYPTO_DECODERS)("$name takes what is true and refuses all other bytes", (decoder) => {
  meet(decoder, 100);
});
