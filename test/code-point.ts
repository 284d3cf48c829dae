/** Any character for `fc.string`; its own unit `binary` takes over a second to build. */
import fc from "fast-check";

const SURROGATES = { first: 0xd800, count: 0x800 };
const LAST = 0x10_ff_ff;

export const codePoint: fc.Arbitrary<string> = fc
  .oneof(fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0, max: LAST - SURROGATES.count }))
  .map((n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count));
