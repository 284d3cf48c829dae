import {
  boolean,
  boundedBytes,
  finite,
  fixedBytes,
  integer,
  listOf,
  literal,
  oneOf,
  optional,
  record,
  type Shape,
  ShapeError,
  text,
  textMatching,
  type TypeOf,
  variant,
} from "@bulkhead/base";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";

const MEMBER = record({ name: text(8), port: integer(1, 65_535), note: optional(text(4)) });
const EVENT = variant({
  sent: { bytes: boundedBytes(4) },
  lost: { after: integer(0, 9), why: optional(text(9)) },
});

const problemOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ShapeError) return error.message;
    throw error;
  }
  return "none";
};

interface Example {
  readonly name: string;
  readonly shape: Shape<unknown>;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const EXAMPLES: readonly Example[] = [
  {
    name: "fixedBytes",
    shape: fixedBytes(2),
    good: [Uint8Array.of(1, 2), Buffer.from([1, 2])],
    bad: [Uint8Array.of(1), Uint8Array.of(1, 2, 3), [1, 2], "ab", new Uint16Array(2), new ArrayBuffer(2)],
  },
  {
    name: "boundedBytes",
    shape: boundedBytes(2),
    good: [new Uint8Array(0), Uint8Array.of(1, 2)],
    bad: [new Uint8Array(3), "", undefined],
  },
  { name: "text", shape: text(2), good: ["", "ab"], bad: ["abc", 1, null, undefined, new String("a")] },
  {
    name: "textMatching",
    shape: textMatching(/^[a-z]+$/u, "lower case"),
    good: ["abc"],
    bad: ["", "A", "a\n", "a1", 5],
  },
  {
    name: "integer",
    shape: integer(-1, 3),
    good: [-1, 0, 3],
    bad: [-2, 4, 0.5, Number.NaN, Number.POSITIVE_INFINITY, "1", 1n, null],
  },
  {
    name: "finite",
    shape: finite(0, 1),
    good: [0, 0.5, 1],
    bad: [-0.1, 1.1, Number.NaN, Number.POSITIVE_INFINITY, "0.5"],
  },
  {
    name: "finite, unbounded",
    shape: finite(),
    good: [-1e308, 5e-324],
    bad: [Number.NEGATIVE_INFINITY, Number.NaN],
  },
  { name: "boolean", shape: boolean, good: [true, false], bad: [0, 1, "true", undefined] },
  { name: "literal", shape: literal("a"), good: ["a"], bad: ["b", "", undefined] },
  { name: "oneOf", shape: oneOf(16, 32), good: [16, 32], bad: [8, "16", undefined] },
  { name: "optional", shape: optional(text(1)), good: [undefined, "a"], bad: ["ab", null] },
  {
    name: "listOf",
    shape: listOf(integer(0, 9), 3, 1),
    good: [[1], [1, 2, 3]],
    bad: [[], [1, 2, 3, 4], [10], { 0: 1, length: 1 }, Uint8Array.of(1), "1"],
  },
  {
    name: "record",
    shape: MEMBER,
    good: [
      { name: "a", port: 1 },
      { name: "a", port: 1, note: "n" },
    ],
    bad: [
      { name: "a" },
      { name: "a", port: 0 },
      { name: "a", port: 1, more: 1 },
      [],
      null,
      "a",
      new Uint8Array(0),
    ],
  },
  {
    name: "variant",
    shape: EVENT,
    good: [
      { type: "sent", bytes: Uint8Array.of(1) },
      { type: "lost", after: 3 },
    ],
    bad: [
      { type: "sent" },
      { type: "lost", bytes: Uint8Array.of(1) },
      { type: "lost", after: 3, bytes: Uint8Array.of(1) },
      { type: "toString" },
      { type: "__proto__" },
      { type: 1 },
      {},
      null,
      "sent",
    ],
  },
];

describe("shapes", () => {
  test.each(EXAMPLES)("$name gives good values back", ({ shape, good }) => {
    for (const value of good) expect(shape(value)).toEqual(value);
  });

  test.each(EXAMPLES)("$name refuses bad values", ({ shape, bad }) => {
    for (const value of bad) expect(() => shape(value)).toThrow(ShapeError);
  });

  test.each(EXAMPLES)("$name never throws anything but a shape error", ({ shape }) => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withSparseArray: true, withTypedArray: true }),
        (value) => {
          problemOf(() => shape(value));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("are the static type", () => {
    expectTypeOf<TypeOf<typeof MEMBER>>().toEqualTypeOf<
      { readonly name: string; readonly port: number } & { readonly note?: string }
    >();
    expectTypeOf<TypeOf<typeof EVENT>["type"]>().toEqualTypeOf<"sent" | "lost">();
  });
});

describe("a record", () => {
  test("leaves optional fields that are undefined out", () => {
    expect(Object.keys(MEMBER({ name: "a", port: 1, note: undefined }))).toEqual(["name", "port"]);
  });

  test("gives a new object without the prototype of the old one", () => {
    class Member {
      readonly name = "a";
      readonly port = 1;
    }
    const member = new Member();
    expect(MEMBER(member)).not.toBe(member);
    expect(Object.getPrototypeOf(MEMBER(member))).toBe(Object.prototype);
  });

  test("takes no field from a prototype", () => {
    expect(() => MEMBER(Object.create({ name: "a", port: 1 }))).toThrow(ShapeError);
    expect(() => MEMBER(JSON.parse('{"name":"a","port":1,"__proto__":{}}'))).toThrow("no such field");
  });
});

describe("the error of a shape", () => {
  test("names the place", () => {
    const roster = record({ members: listOf(MEMBER, 9) });
    const member = { name: "a", port: 1 };
    expect(problemOf(() => roster({ members: [member, { ...member, port: "x" }] }))).toBe(
      "members[1].port: expected an integer from 1 to 65535",
    );
    expect(problemOf(() => roster({ members: [{ ...member, extra: 1 }] }))).toBe(
      "members[0].extra: expected no such field",
    );
    expect(problemOf(() => roster(1))).toBe("value: expected an object");
  });

  test("never shows the value, nor a stranger's text for a name", () => {
    expect(problemOf(() => MEMBER({ name: "hunter2 hunter2", port: 1 }))).not.toContain("hunter2");
    for (const key of ["a\nERROR forged line", "\u001B[2J", "x".repeat(41), ""])
      expect(problemOf(() => MEMBER({ name: "a", port: 1, [key]: 1 }))).toBe(
        "(unprintable): expected no such field",
      );
  });

  test("finds the hole in a list", () => {
    // oxlint-disable-next-line eslint/no-sparse-arrays -- the hole is the point
    expect(problemOf(() => listOf(integer(0, 9), 3)([1, , 3]))).toBe("[1]: expected an integer from 0 to 9");
  });
});
