import { describe, expect, test } from "vitest";
import { decoders, fuzz } from "./fuzz-decoders.ts";

describe.each(Object.entries(decoders))("the decoder of a %s", (_, decoder) => {
  test("reads what was encoded, and gives its bytes again", () => {
    for (const seed of decoder.seeds) expect(decoder.again(seed)).toEqual(seed);
  });

  test("gives a value or nothing for 10,000 random and mutated inputs, and one value for one input", () => {
    const read = fuzz(decoder, 10_000);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(10_000);
  });
});
