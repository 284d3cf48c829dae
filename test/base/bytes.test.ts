import {
  bytesToHex,
  concatBytes,
  equalBytes,
  hasLoneSurrogate,
  hexToBytes,
  u32ToBytes,
  utf8,
  utf8ToText,
} from "@bulkhead/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codePoint } from "../code-point.ts";

const some = fc.uint8Array({ maxLength: 64 });

describe("joined bytes", () => {
  test("stand in order in memory of their own", () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 6 }), (parts) => {
        const joined = concatBytes(...parts);
        expect([...joined]).toEqual(parts.flatMap((part) => [...part]));
        for (const part of parts) expect(joined.buffer).not.toBe(part.buffer);
      }),
    );
    expect(concatBytes()).toHaveLength(0);
  });
});

describe("UTF-8", () => {
  test("gives every well-formed text back, byte order mark included", () => {
    fc.assert(fc.property(fc.string({ unit: codePoint }), (text) => utf8ToText(utf8(text)) === text));
    expect(utf8ToText(utf8("\uFEFFa"))).toBe("\uFEFFa");
  });

  test("refuses text with half a surrogate pair, which would become another text", () => {
    for (const text of ["\uD800", "a\uDFFFb", "\uDE00\uD83D"]) {
      expect(hasLoneSurrogate(text)).toBe(true);
      expect(() => utf8(text)).toThrow(RangeError);
    }
    expect(hasLoneSurrogate("\uD83D\uDE00")).toBe(false);
    expect([...utf8("\uD83D\uDE00")]).toEqual([0xf0, 0x9f, 0x98, 0x80]);
  });

  test.each([
    ["a continuation alone", [0x80]],
    ["a cut sequence", [0xe2, 0x82]],
    ["an overlong zero", [0xc0, 0x80]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["a code point above the last", [0xf4, 0x90, 0x80, 0x80]],
  ])("refuses %s", (_, bytes) => {
    expect(() => utf8ToText(Uint8Array.from(bytes))).toThrow(TypeError);
  });

  test("reads back only what it would write", () => {
    fc.assert(
      fc.property(some, (bytes) => {
        let text: string;
        try {
          text = utf8ToText(bytes);
        } catch {
          return;
        }
        expect(utf8(text)).toEqual(bytes);
      }),
    );
  });
});

describe("equality", () => {
  test("is that of length and every byte", () => {
    fc.assert(
      fc.property(some, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, place, change) => {
        expect(equalBytes(bytes, bytes.slice())).toBe(true);
        expect(equalBytes(bytes, concatBytes(bytes, Uint8Array.of(0)))).toBe(false);
        if (bytes.length === 0) return;
        const other = bytes.slice();
        other[place % other.length]! ^= change;
        expect(equalBytes(bytes, other)).toBe(false);
      }),
    );
  });
});

describe("hexadecimal", () => {
  test("gives every byte string back", () => {
    fc.assert(
      fc.property(some, (bytes) => {
        expect(bytesToHex(bytes)).toBe(Buffer.from(bytes).toString("hex"));
        expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes);
      }),
    );
  });

  test.each(["0", "0g", "AB", " 00", "00 ", "0x00", "00\n", "é0"])("refuses %j", (text) => {
    expect(hexToBytes(text)).toBeUndefined();
  });
});

describe("a number of four bytes", () => {
  test("is big-endian", () => {
    expect([...u32ToBytes(0x01020304)]).toEqual([1, 2, 3, 4]);
    expect([...u32ToBytes(2 ** 32 - 1)]).toEqual([255, 255, 255, 255]);
  });

  test.each([-1, 0.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY])("is not %s", (value) => {
    expect(() => u32ToBytes(value)).toThrow(RangeError);
  });
});
