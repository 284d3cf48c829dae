import fs from "node:fs";
import path from "node:path";
import { isMarked, markContract, registerFile } from "@bulkhead/client";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";

const [A, B] = ["aa".repeat(32), "bb".repeat(32)];

test("what is marked stays marked, each mark by itself, and the file is its owner's", async () => {
  const identity = path.join(freshFolder(), "identity.key");
  expect(await isMarked(identity, A, "used")).toBe(false);
  await markContract(identity, A, "used");
  await markContract(identity, A, "used");
  await markContract(identity, B, "withdrawn");
  expect(await isMarked(identity, A, "used")).toBe(true);
  expect(await isMarked(identity, A, "withdrawn")).toBe(false);
  expect(await isMarked(identity, B, "withdrawn")).toBe(true);
  expect(fs.statSync(registerFile(identity)).mode & 0o077).toBe(0);
});

test("a register that was damaged is no empty one", async () => {
  const identity = path.join(freshFolder(), "identity.key");
  fs.writeFileSync(registerFile(identity), "{}");
  await expect(isMarked(identity, A, "used")).rejects.toMatchObject({ code: "contract-register" });
  await expect(markContract(identity, A, "used")).rejects.toMatchObject({ code: "contract-register" });
});
