import { utf8ToText } from "@bulkhead/base";
import { renderReport } from "@bulkhead/console";
import { expect, test } from "vitest";

test("a report says its kind and version first, then its fields in their order", () => {
  const text = utf8ToText(
    renderReport({ kind: "run", version: 2 }, { rounds: 8, accuracy: 0.9, none: undefined }),
  );
  expect(text).toBe('{\n  "kind": "bulkhead/run",\n  "version": 2,\n  "rounds": 8,\n  "accuracy": 0.9\n}\n');
});

test("a number that JSON cannot carry is an error, not null", () => {
  const head = { kind: "run", version: 1 };
  expect(() => renderReport(head, { quality: { loss: Number.NaN } })).toThrow("field loss is NaN");
});
