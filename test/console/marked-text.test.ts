import { markedText } from "@bulkhead/console";
import { expect, test } from "vitest";

const STRETCHES = [
  { text: "asked\n", isMarked: false },
  { text: "an\nswer\u{1b}[2J", isMarked: true },
];

test("marked stretches stand in another colour, or between brackets, line by line", () => {
  expect(markedText(STRETCHES, false)).toBe("asked\n⟦an⟧\n⟦swer\\u{1b}[2J⟧");
  expect(markedText(STRETCHES, true)).toBe(
    "asked\n\u{1b}[32man\u{1b}[39m\n\u{1b}[32mswer\\u{1b}[2J\u{1b}[39m",
  );
});
