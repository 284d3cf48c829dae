/** Two thousand training steps hold no more at the end than at the start, on every backend that computes on the CPU. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { Held } from "../compute/programs/train-long.ts";
import { hasNative } from "../finetune/has-native.ts";

const PROGRAM = fileURLToPath(new URL("../compute/programs/train-long.ts", import.meta.url));
const STEPS = 2000;
/** 5 kB a step: compiled code and the like grow by 1 kB, one forgotten tensor is tens of handles. */
const ALLOWED_GROWTH_BYTES = 5000 * (STEPS / 2);

const trainLong = async (backend: string): Promise<readonly Held[]> => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", "--conditions=bulkhead-src", "--import", "tsx", PROGRAM, backend, String(STEPS)],
    // Threads that wait for work this small cost more than they do.
    { env: { ...process.env, TF_NUM_INTRAOP_THREADS: "1" } },
  );
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the program prints
  return JSON.parse(stdout) as readonly Held[];
};

const leaksNothing = async (backend: string): Promise<void> => {
  const held = await trainLong(backend);
  expect(held).toHaveLength(10);
  expect(held.at(-1)!.loss).toBeLessThan(held[0]!.loss / 10);
  expect(new Set(held.map(({ tensors }) => tensors)).size).toBe(1);
  expect(new Set(held.map(({ dataIds }) => dataIds)).size).toBe(1);
  const bytes = held.map(({ residentBytes }) => residentBytes);
  expect(Math.min(...bytes.slice(5)) - Math.max(...bytes.slice(0, 5))).toBeLessThan(ALLOWED_GROWTH_BYTES);
};

test.each(["wasm", "cpu"])("two thousand steps leak nothing on %s", leaksNothing);

const native = "two thousand steps leak nothing on tensorflow";

test.skipIf(!hasNative)(hasNative ? native : `${native} (skipped: it is not built here)`, () =>
  leaksNothing("tensorflow"),
);
