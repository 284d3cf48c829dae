import { describe, expect, test } from "vitest";
import { decoders, fuzz } from "../transport/fuzz-decoders.ts";

describe.each(Object.entries(decoders))("the decoder of a %s", (_, decoder) => {
  test("gives a value or nothing for 10,000 random and mutated inputs, and one value for one input", () => {
    const read = fuzz(decoder, 10_000);
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(10_000);
  });
});
