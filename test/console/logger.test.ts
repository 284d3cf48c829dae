import { Secret, utf8 } from "@bulkhead/base";
import { createLogger, type LogOptions } from "@bulkhead/console";
import { expect, test } from "vitest";

type Events = {
  readonly "round-closed": {
    readonly round: number;
    readonly survivors: readonly string[];
    readonly note?: string | undefined;
    readonly key?: Secret;
  };
};

const logged = (options: Partial<LogOptions>, fields: Events["round-closed"]): string => {
  let text = "";
  const logger = createLogger<Events>({
    format: "json",
    write: (line) => (text += line),
    now: () => new Date(0),
    ...options,
  });
  logger.log("info", "round-closed", fields);
  return text;
};

test("an event is one line of JSON with its time, level, name, context and fields", () => {
  const line = logged({ context: { site: "north" } }, { round: 3, survivors: ["a", "b"] });
  expect(line.endsWith("}\n")).toBe(true);
  expect(JSON.parse(line)).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "info",
    event: "round-closed",
    site: "north",
    round: 3,
    survivors: ["a", "b"],
  });
});

test("for people it is one line of key=value", () => {
  expect(logged({ format: "human" }, { round: 3, survivors: ["a"], note: "two words" })).toBe(
    '1970-01-01T00:00:00.000Z info  round-closed round=3 survivors=["a"] note="two words"\n',
  );
});

test.each(["json", "human"] as const)("a secret prints as redacted in %s", (format) => {
  const line = logged({ format }, { round: 1, survivors: [], key: new Secret(utf8("hunter2")) });
  expect(line).toContain("<redacted>");
  expect(line).not.toContain("hunter2");
});

test("text from outside can neither begin a new line nor colour the terminal", () => {
  const note = "x\n1970 error forged\u001B[31m\u202E";
  const line = logged({ format: "human" }, { round: 1, survivors: [], note });
  for (const character of "\n\u001B\u202E") expect(line.trimEnd()).not.toContain(character);
  expect(logged({}, { round: 1, survivors: [], note }).trimEnd()).not.toContain("\n");
});

test("numbers that JSON cannot carry stay visible", () => {
  expect(logged({}, { round: Number.NaN, survivors: [] })).toContain('"round":"NaN"');
});

test("events below the level are dropped", () => {
  expect(logged({ level: "warn" }, { round: 1, survivors: [] })).toBe("");
});
