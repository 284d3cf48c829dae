import * as compute from "@bulkhead/compute";
import { expect, test } from "vitest";
import { runExample } from "../base/readme.ts";

test("the README's example prints what it says", async () => {
  const readme = new URL("../../packages/compute/README.md", import.meta.url);
  const { printed, promised } = await runExample(readme, { "@bulkhead/compute": compute });
  expect(promised).toHaveLength(2);
  expect(printed).toEqual(promised);
});
