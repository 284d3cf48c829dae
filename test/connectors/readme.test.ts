import * as connectors from "@bulkhead/connectors";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { runExample } from "../base/readme.ts";

test("the README's example prints what it says", async () => {
  const readme = new URL("../../packages/connectors/README.md", import.meta.url);
  const { printed, promised } = await runExample(readme, {
    "@bulkhead/connectors": connectors,
    "node:fs": fs,
    "node:os": os,
    "node:path": path,
  });
  expect(promised).toHaveLength(3);
  expect(printed).toEqual(promised);
});
