import { describe, expect, test } from "vitest";
import { decoders } from "./fuzz-decoders.ts";

describe.each(Object.entries(decoders))("the decoder of a %s", (_, decoder) => {
  test("reads what was encoded, and gives its bytes again", () => {
    for (const seed of decoder.seeds) expect(decoder.again(seed)).toEqual(seed);
  });
});
