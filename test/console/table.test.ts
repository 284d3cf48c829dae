import { renderTable } from "@bulkhead/console";
import { expect, test } from "vitest";

test("a table has its head, words to the left and numbers to the right", () => {
  const text = renderTable({
    head: ["model", "accuracy"],
    rows: [
      ["site 0 alone", 0.869],
      ["federated", "0.9"],
    ],
  });
  expect(text).toBe(
    [
      "┌──────────────┬──────────┐",
      "│ model        │ accuracy │",
      "├──────────────┼──────────┤",
      "│ site 0 alone │    0.869 │",
      "│ federated    │      0.9 │",
      "└──────────────┴──────────┘",
    ].join("\n"),
  );
});

test("a cell cannot act on the terminal", () => {
  expect(renderTable({ head: ["a"], rows: [["\u001B[2Jx"]] })).toContain("\\u{1b}[2Jx");
});
