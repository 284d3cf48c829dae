import {
  type Canonical,
  concatBytes,
  decodeCanonical,
  encodeCanonical,
  encodeFields,
  rawBytes,
  Reader,
  sequence,
  ShapeError,
  struct,
  u16,
  u32,
  u64,
  u8,
  utf8,
  varBytes,
  varText,
} from "@bulkhead/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EVERYTHING, everything } from "./decoders.ts";

describe("the canonical encoding", () => {
  test("gives every value back", () => {
    fc.assert(
      fc.property(everything, (value) => {
        expect(decodeCanonical(EVERYTHING, encodeCanonical(EVERYTHING, value))).toEqual(value);
      }),
    );
  });

  test("gives different values different bytes", () => {
    const small = fc.record({
      a: fc.uint8Array({ max: 1, maxLength: 3 }),
      b: fc.array(fc.uint8Array({ max: 1, maxLength: 2 }), { maxLength: 3 }),
    });
    const codec = struct({ a: varBytes(3), b: sequence(varBytes(2), 3) });
    fc.assert(
      fc.property(small, small, (x, y) => {
        const same = JSON.stringify(x) === JSON.stringify(y);
        const [encodedX, encodedY] = [encodeCanonical(codec, x), encodeCanonical(codec, y)];
        expect(Buffer.compare(encodedX, encodedY) === 0).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  test("is refused when it is cut anywhere or goes on", () => {
    fc.assert(
      fc.property(everything, fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 5 }), (value, cut, more) => {
        const bytes = encodeCanonical(EVERYTHING, value);
        expect(() => decodeCanonical(EVERYTHING, bytes.slice(0, cut % bytes.length))).toThrow(ShapeError);
        expect(() => decodeCanonical(EVERYTHING, concatBytes(bytes, more))).toThrow(ShapeError);
      }),
    );
  });

  test("stands in memory of its own, as does what is read from it", () => {
    const value = Uint8Array.of(1, 2, 3);
    const bytes = encodeCanonical(rawBytes(3), value);
    value[0] = 9;
    expect([...bytes]).toEqual([1, 2, 3]);
    for (const source of [bytes, Buffer.from(bytes)]) {
      const read = decodeCanonical(rawBytes(3), source);
      source[0] = 9;
      expect([...read]).toEqual([1, 2, 3]);
    }
  });

  test("of a struct is the fields in their order, big-endian and behind their lengths", () => {
    const codec = struct({ round: u32, attempt: u16, name: varText(9), ids: sequence(u8, 9) });
    const bytes = encodeCanonical(codec, { ids: [7, 8], name: "é", attempt: 258, round: 1 });
    expect([...bytes]).toEqual([0, 0, 0, 1, 1, 2, 0, 0, 0, 2, 0xc3, 0xa9, 0, 0, 0, 2, 7, 8]);
  });
});

describe("what is not in the encoding", () => {
  const refused = <T>(codec: Canonical<T>, ...bytes: readonly number[]) =>
    expect(() => decodeCanonical(codec, Uint8Array.from(bytes)));

  test("integers of eight bytes from 2^53 on", () => {
    expect(decodeCanonical(u64, Uint8Array.of(0, 0x1f, 255, 255, 255, 255, 255, 255))).toBe(2 ** 53 - 1);
    refused(u64, 0, 0x20, 0, 0, 0, 0, 0, 0).toThrow("2^53");
    refused(u64, 0, 0x20, 0, 0, 0, 0, 0, 1).toThrow("2^53");
    refused(u64, 255, 255, 255, 255, 255, 255, 255, 255).toThrow("2^53");
  });

  test("parts longer than allowed, told before they are read", () => {
    refused(varBytes(2), 0, 0, 0, 3, 1, 2, 3).toThrow("at most 2 bytes");
    refused(varText(2), 0, 0, 0, 3, 97, 97, 97).toThrow("at most 2 bytes");
    refused(sequence(u8, 2), 0, 0, 0, 3, 1, 2, 3).toThrow("at most 2 items");
  });

  test("lengths that lie, which cost neither memory nor time", () => {
    const started = performance.now();
    refused(sequence(u32, 2 ** 32 - 1), 255, 255, 255, 255, 0, 0, 0, 1).toThrow("4 more bytes");
    refused(varBytes(2 ** 32 - 1), 255, 255, 255, 255, 1).toThrow("4294967295 more bytes");
    expect(performance.now() - started).toBeLessThan(500);
  });

  test("text that is not UTF-8", () => {
    refused(varText(9), 0, 0, 0, 1, 0xff).toThrow("UTF-8");
    refused(varText(9), 0, 0, 0, 3, 0xed, 0xa0, 0x80).toThrow("UTF-8");
  });

  test("the errors name the place and never the bytes", () => {
    refused(struct({ a: u8, b: rawBytes(8) }), 1, 0x73, 0x65, 0x63).toThrow(
      /^byte 1: expected 8 more bytes$/u,
    );
    refused(u8, 1, 2).toThrow(/^byte 1: expected the end$/u);
  });
});

describe("values that have no encoding throw", () => {
  test.each([
    ["an integer too large", () => encodeCanonical(u8, 256)],
    ["a negative integer", () => encodeCanonical(u32, -1)],
    ["a fraction", () => encodeCanonical(u16, 0.5)],
    ["no number", () => encodeCanonical(u32, Number.NaN)],
    ["an integer that is not safe", () => encodeCanonical(u64, 2 ** 53)],
    ["too few raw bytes", () => encodeCanonical(rawBytes(4), new Uint8Array(3))],
    ["too many raw bytes", () => encodeCanonical(rawBytes(4), new Uint8Array(5))],
    ["too many bytes", () => encodeCanonical(varBytes(4), new Uint8Array(5))],
    ["too much text, counted in bytes", () => encodeCanonical(varText(3), "éé")],
    ["half a surrogate pair", () => encodeCanonical(varText(9), "a\uD800")],
    ["too many items", () => encodeCanonical(sequence(u8, 2), [1, 2, 3])],
    ["half a surrogate pair in a field", () => encodeFields("\uDC00")],
  ])("%s", (_, encode) => {
    expect(encode).toThrow(RangeError);
  });
});

describe("fields", () => {
  test("are each part behind its length, text as UTF-8", () => {
    expect([...encodeFields("é", Uint8Array.of(5))]).toEqual([0, 0, 0, 2, 0xc3, 0xa9, 0, 0, 0, 1, 5]);
    expect(encodeFields()).toHaveLength(0);
    expect(encodeFields("")).toHaveLength(4);
  });

  test("are the same bytes only for the same parts", () => {
    const parts = fc.array(fc.uint8Array({ max: 1, maxLength: 5 }), { maxLength: 4 });
    fc.assert(
      fc.property(parts, parts, (x, y) => {
        const same = JSON.stringify(x) === JSON.stringify(y);
        expect(Buffer.compare(encodeFields(...x), encodeFields(...y)) === 0).toBe(same);
      }),
      { numRuns: 2000 },
    );
  });

  test("can be read back", () => {
    const parts = [utf8("bulkhead/1"), new Uint8Array(0), Uint8Array.of(1, 2)];
    const reader = new Reader(encodeFields(...parts));
    expect(parts.map(() => varBytes(100).read(reader))).toEqual(parts);
    expect(reader.rest).toBe(0);
  });
});
