/** Every decoder of the product meets 100,000 random and mutated inputs; `npm test` lets each meet a tenth. */
import { describe, expect, test } from "vitest";
import { BASE_DECODERS } from "../base/decoders.ts";
import { meetMany } from "../base/meet-many.ts";
import { CRYPTO_DECODERS } from "../crypto/decoders.ts";
import { FINETUNE_DECODERS } from "../finetune/decoders.ts";
import { CONTRACT_DECODERS, PROTOCOL_DECODERS } from "../protocol/decoders.ts";
import { decoders, fuzz } from "../transport/fuzz-decoders.ts";

const INPUTS = 100_000;

test.each([
  ...BASE_DECODERS,
  ...CRYPTO_DECODERS,
  ...FINETUNE_DECODERS,
  ...PROTOCOL_DECODERS,
  ...CONTRACT_DECODERS,
])("$name holds its law for 100,000 inputs", (decoder) => {
  meetMany(decoder, INPUTS);
});

describe.each(Object.entries(decoders))("the decoder of a %s", (_, decoder) => {
  test("gives a value or nothing for 100,000 inputs, and one value for one input", () => {
    expect(fuzz(decoder, INPUTS)).toBeGreaterThan(0);
  });
});
