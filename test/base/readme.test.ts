import * as base from "@bulkhead/base";
import { expect, test } from "vitest";
import { runExample } from "./readme.ts";

test("the README's example prints what it says", async () => {
  const readme = new URL("../../packages/base/README.md", import.meta.url);
  const { printed, promised } = await runExample(readme, { "@bulkhead/base": base });
  expect(promised).toHaveLength(2);
  expect(printed).toEqual(promised);
});
