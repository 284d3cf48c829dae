import { AssertionError } from "node:assert";
import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { deserialize, serialize } from "node:v8";
import { Secret, utf8 } from "@bulkhead/base";
import { describe, expect, test } from "vitest";

const TEXT = "correct horse battery staple";
const secret = () => new Secret(utf8(TEXT));

/** Every way in which the bytes could show. */
const shows = (output: string): boolean => {
  const bytes = utf8(TEXT).subarray(0, 8);
  const written = [
    TEXT.slice(0, 8),
    Buffer.from(bytes).toString("hex"),
    [...bytes].map((byte) => byte.toString(16)).join(" "),
    Buffer.from(utf8(TEXT)).toString("base64").slice(0, 10),
    bytes.join(","),
    bytes.join(", "),
  ];
  return written.some((form) => output.replaceAll(/\s+/gu, " ").includes(form));
};

const printed = (print: (to: Console) => void): string => {
  let output = "";
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      output += chunk.toString();
      done();
    },
  });
  print(new Console(stream, stream));
  return output;
};

const errorOf = (run: () => void): Error => {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("no error");
};

/* oxlint-disable typescript/no-base-to-string, typescript/restrict-template-expressions, typescript/restrict-plus-operands -- that these print nothing is what is tested */
const RENDERERS: Readonly<Record<string, (value: Secret) => string>> = {
  String: (value) => String(value),
  "a template": (value) => `${value}`,
  "the plus operator": (value) => "" + value,
  "its toString": (value) => value.toString(),
  "its toLocaleString": (value) => value.toLocaleString(),
  "Array.join": (value) => [value, value].join(),
  "Object.prototype.toString": (value) => Object.prototype.toString.call(value),
  "JSON.stringify": (value) => JSON.stringify(value),
  "JSON.stringify, nested": (value) => JSON.stringify({ a: [{ value }] }, undefined, 2),
  "util.inspect": (value) => inspect(value),
  "util.inspect, nested and deep": (value) => inspect({ a: { b: { c: { value } } } }, { depth: 9 }),
  "util.inspect, hidden": (value) => inspect(value, { showHidden: true, getters: true }),
  "util.inspect, no custom": (value) => inspect(value, { customInspect: false, showHidden: true }),
  "util.inspect in a map": (value) => inspect(new Map([[value, new Set([value])]])),
  "util.format %s %o %O %j": (value) => format("%s %o %O %j", value, value, value, value),
  "an error's message": (value) => new Error(`key ${value}`).message,
  "an error's stack": (value) => new Error(`key ${value}`).stack ?? "",
  "an inspected error with the secret as cause": (value) => inspect(new Error("key", { cause: value })),
  "an inspected error with the secret as property": (value) =>
    inspect(Object.assign(new Error("key"), { value })),
  "an aggregate error": (value) => inspect(new AggregateError([value], "keys")),
  "a failed assertion": (value) =>
    inspect(new AssertionError({ actual: value, expected: 1, operator: "deepStrictEqual" })),
  "a failed expectation": (value) => inspect(errorOf(() => expect(value).toBe(new Secret(utf8("other"))))),
  "an error of use after wiping": (value) => {
    const error = errorOf(() => {
      value.wipe();
      value.reveal();
    });
    return inspect(error);
  },
  "console.log": (value) => printed((to) => to.log(value, { value })),
  "console.error": (value) => printed((to) => to.error("%o", value)),
  "console.dir": (value) => printed((to) => to.dir({ value }, { depth: 9, showHidden: true })),
  "console.table": (value) => printed((to) => to.table([{ value }])),
  // oxlint-disable-next-line typescript/no-misused-spread -- a mistake that must not leak
  "a spread": (value) => inspect({ ...value }),
  "Object.entries": (value) => inspect(Object.entries(value)),
  "own property names": (value) => Reflect.ownKeys(value).map(String).join(),
  "a structured clone": (value) => inspect(structuredClone({ value }), { showHidden: true }),
  "V8's serialisation": (value) => inspect(deserialize(serialize({ value })), { showHidden: true }),
  "the bytes of V8's serialisation": (value) => serialize({ value }).toString("latin1"),
};
/* oxlint-enable typescript/no-base-to-string, typescript/restrict-template-expressions, typescript/restrict-plus-operands */

describe("a secret", () => {
  test.each(Object.entries(RENDERERS))("shows nothing to %s", (_, render) => {
    expect(shows(render(secret()))).toBe(false);
  });

  test("the search for its bytes finds them where they do show", () => {
    const bytes = secret().reveal();
    for (const leak of [TEXT, inspect(bytes), JSON.stringify([...bytes]), String(bytes)])
      expect(shows(leak)).toBe(true);
    for (const encoding of ["hex", "base64", "latin1"] as const)
      expect(shows(Buffer.from(bytes).toString(encoding))).toBe(true);
    expect(shows(inspect(Buffer.from(bytes)))).toBe(true);
  });

  test("says that something is there", () => {
    expect(String(secret())).toBe("<redacted>");
    expect(JSON.stringify({ key: secret() })).toBe('{"key":"<redacted>"}');
    expect(inspect([secret()])).toBe("[ <redacted> ]");
  });
});

describe("the bytes of a secret", () => {
  test("are revealed as the memory itself, whose slice is a copy", () => {
    const buffer = Buffer.from("0123");
    const held = new Secret(buffer);
    const copy = held.reveal().slice();
    buffer[0] = 0xff;
    expect(held.reveal()[0]).toBe(0xff);
    expect(copy[0]).toBe(0x30);
    expect(held.length).toBe(4);
  });

  test("are overwritten by wiping, and never used again", () => {
    const bytes = utf8(TEXT);
    const held = new Secret(bytes);
    expect(held.isWiped).toBe(false);
    held.wipe();
    held.wipe();
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    expect(held.isWiped).toBe(true);
    expect(() => held.reveal()).toThrow("used after it was wiped");
    expect(held.length).toBe(TEXT.length);
  });

  test("of a view are the only ones that wiping touches", () => {
    const whole = new Uint8Array(6).fill(1);
    new Secret(whole.subarray(2, 4)).wipe();
    expect([...whole]).toEqual([1, 1, 0, 0, 1, 1]);
  });
});
