import { test } from "vitest";
import { BASE_DECODERS, meet } from "../base/decoders.ts";
import { meetMany } from "../base/meet-many.ts";
import { CRYPTO_DECODERS, SLOW_CRYPTO_DECODERS } from "../crypto/decoders.ts";

test.each([...BASE_DECODERS, ...CRYPTO_DECODERS])("$name holds its law for 10,000 inputs", (decoder) => {
  meetMany(decoder, 10_000);
});

test.each(SLOW_CRYPTO_DECODERS)("$name holds its law for 3,000 inputs", (decoder) => {
  meet(decoder, 3000);
});
