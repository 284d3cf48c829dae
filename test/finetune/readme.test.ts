import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import * as finetune from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { runExample } from "../base/readme.ts";

test("the README's example prints what it says", async () => {
  const readme = new URL("../../packages/finetune/README.md", import.meta.url);
  const modules = { "@bulkhead/finetune": finetune, "node:fs": fs, "node:os": os, "node:path": path };
  const { printed, promised } = await runExample(readme, modules);
  expect(promised).toHaveLength(1);
  expect(printed).toEqual(promised);
});
