import {
  bytesToHex,
  canonicalJson,
  type Json,
  parseCanonicalJson,
  ShapeError,
  utf8,
  utf8ToText,
} from "@bulkhead/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hex } from "../vectors/hex.ts";
import { DOCUMENT, NOT_NUMBERS, NUMBERS, SORTING } from "../vectors/rfc-8785.ts";
import { json } from "./decoders.ts";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- JSON.parse gives nothing but JSON
const parsed = (source: string): Json => JSON.parse(source) as Json;
const textOf = (value: Json): string => utf8ToText(canonicalJson(value));
const doubleOf = (bits: string): number => new DataView(hex(bits).buffer).getFloat64(0);

describe("RFC 8785", () => {
  test("its document, byte by byte", () => {
    expect(bytesToHex(canonicalJson(parsed(DOCUMENT.source)))).toBe(DOCUMENT.canonicalHex);
  });

  test("its sorting of keys by UTF-16 units", () => {
    const sorted = parsed(textOf(parsed(SORTING.source)));
    // Keys that look like integers come first in an object, whatever the order of the text.
    const inText = [...textOf(parsed(SORTING.source)).matchAll(/:"([^"]*)"/gu)].map(([, value]) => value);
    expect(inText).toEqual(SORTING.values);
    expect(sorted).toEqual(parsed(SORTING.source));
  });

  test.each(NUMBERS)("its number %s is %s", (bits, text) => {
    expect(textOf(doubleOf(bits))).toBe(text);
  });

  test.each(NOT_NUMBERS)("its error for the bits %s", (bits) => {
    expect(() => canonicalJson(doubleOf(bits))).toThrow(RangeError);
  });

  test("its error for half a surrogate pair, in text and in keys", () => {
    expect(() => canonicalJson("\uDEAD")).toThrow(RangeError);
    expect(() => canonicalJson({ "\uDEAD": 1 })).toThrow(RangeError);
    expect(() => parseCanonicalJson(utf8(String.raw`"\udead"`))).toThrow(ShapeError);
  });
});

describe("canonical JSON", () => {
  test("gives every value back", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseCanonicalJson(canonicalJson(value))).toEqual(value);
      }),
    );
  });

  test("is the same for the same fields in any order, and leaves out those that are undefined", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), fc.nat(), (fields, turn) => {
        const entries = Object.entries(fields);
        const turned = [...entries.slice(turn % 7), ...entries.slice(0, turn % 7)];
        expect(canonicalJson(Object.fromEntries(turned))).toEqual(canonicalJson(Object.fromEntries(entries)));
      }),
    );
    expect(textOf({ b: undefined, a: [{}, []] })).toBe('{"a":[{},[]]}');
  });

  test("carries a key named __proto__ like any other", () => {
    const bytes = utf8('{"__proto__":{"a":1}}');
    const value = parseCanonicalJson(bytes);
    expect(canonicalJson(value)).toEqual(bytes);
    expect(Object.keys(Object(value))).toEqual(["__proto__"]);
  });
});

describe("what is not canonical is refused", () => {
  test.each([
    ["white space", '{"a": 1}'],
    ["white space around it", "1 "],
    ["a new line at the end", "1\n"],
    ["keys in another order", '{"b":1,"a":2}'],
    ["a key that comes twice", '{"a":1,"a":1}'],
    ["a number with a zero too many", "1.0"],
    ["an exponent", "1e2"],
    ["negative zero", "-0"],
    ["a number above all doubles", "1e400"],
    ["more digits than a double has", "0.10000000000000000555"],
    ["a needless escape", String.raw`"\u0041"`],
    ["an escaped slash", String.raw`"\/"`],
    ["an upper-case escape", String.raw`"\u001F"`],
    ["a byte order mark", "\uFEFF1"],
    ["nothing", ""],
    ["two values", "1 2"],
    ["no JSON", "{a:1}"],
    ["NaN", "NaN"],
  ])("%s", (_, source) => {
    expect(() => parseCanonicalJson(utf8(source))).toThrow(ShapeError);
  });

  test("bytes that are no UTF-8", () => {
    expect(() => parseCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(ShapeError);
  });

  test("nesting deep enough to exhaust a stack", () => {
    const nested = (depth: number) => utf8("[".repeat(depth) + "]".repeat(depth));
    expect(canonicalJson(parseCanonicalJson(nested(100)))).toEqual(nested(100));
    for (const depth of [102, 5000, 200_000])
      expect(() => parseCanonicalJson(nested(depth))).toThrow(ShapeError);
  });

  test("without showing what was there", () => {
    expect(() => parseCanonicalJson(utf8('{"key": "hunter2"'))).toThrow(/^value: expected JSON in UTF-8$/u);
  });
});
