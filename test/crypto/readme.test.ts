import * as base from "@bulkhead/base";
import * as crypto from "@bulkhead/crypto";
import { expect, test } from "vitest";
import { runExample } from "../base/readme.ts";

test("the README's example prints what it says", async () => {
  const readme = new URL("../../packages/crypto/README.md", import.meta.url);
  const { printed, promised } = await runExample(readme, {
    "@bulkhead/base": base,
    "@bulkhead/crypto": crypto,
  });
  expect(promised).toHaveLength(3);
  expect(printed).toEqual(promised);
});
