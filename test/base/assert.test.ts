import { assertNever, invariant } from "@bulkhead/base";
import { describe, expect, test } from "vitest";

describe("broken invariants", () => {
  test("throw their claim, and hold their tongue when they hold", () => {
    expect(() => invariant(false, "a sum is a sum")).toThrow("broken invariant: a sum is a sum");
    expect(() => invariant(true, "a sum is a sum")).not.toThrow();
  });

  test("a case that cannot be throws without showing the value", () => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the compiler forbids is the point here
    expect(() => assertNever("seed 1234" as never)).toThrow(/^unreachable: string$/u);
  });
});
