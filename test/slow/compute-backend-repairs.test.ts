/** What TensorFlow.js computes wrongly without an error and this package repairs or refuses: the rows of the parity table for it. */
import { type BackendName, openBackend } from "@bulkhead/compute";
import { describe, expect, test } from "vitest";
import { PARITY_BACKENDS, problemsOf } from "../compute/parity/backends.ts";
import { PARITY_CASES } from "../compute/parity/cases.ts";
import { runParity } from "../compute/parity/run-parity.ts";

/** Each is wrong, or throws, when the repair it names is taken out. */
const CORE = ["matMul with grouped heads", "maximum with a scalar", "minimum with a scalar"].concat([
  "squaredDifference of each row with one",
  "cumsum of a square matrix's columns",
  "mirrorPad reflect",
]);

const CPU = ["matMul with batches crossed", "floorDiv", "avgPool whose last windows are cut"].concat(
  ["mul", "squaredDifference", "abs", "square", "prod that wraps", "unsortedSegmentSum"].map(int32),
  int32("cast to float32, then a difference"),
);

const WASM = [
  "gather from each batch its own",
  "unsortedSegmentSum",
  "maxPool of negative values alone",
  "conv2d 3×3, stride 2, same, dilation 1",
  "depthwiseConv2d with 2 filters each",
  "einsum ij,jk->ik",
  "fused.matMul along 60, second transposed",
  "fused.matMul along 60, first transposed",
  "fused.matMul along 60 in batches",
  "oneHot",
  "avgPool whose last windows are cut",
].concat(
  ["abs", "clipByValue", "floorDiv", "neg", "matMul", "unsortedSegmentSum", "cast to bool"].map(int32),
);

function int32(name: string): string {
  return `int32 ${name}`;
}

const repairsOn = (name: BackendName, rows: readonly string[]): void => {
  test.each(rows)(`%s, on ${name}`, async (row) => {
    const { tf } = await openBackend(name);
    const found = PARITY_CASES.find((each) => each.name === row);
    if (found === undefined) throw new Error(`the table has no row ${row}`);
    expect(problemsOf(PARITY_BACKENDS[name], await runParity(tf, found))).toEqual([]);
  });
};

describe("repaired or refused", () => {
  repairsOn("cpu", [...CORE, ...CPU]);
  repairsOn("wasm", [...CORE, ...WASM]);
});

test.each(["cpu", "wasm"] as const)("a repair leaves neither tensors nor data behind on %s", async (name) => {
  const { tf } = await openBackend(name);
  const held = () => [tf.memory().numTensors, tf.backend().numDataIds(), tf.findBackend("cpu").numDataIds()];
  const rows = PARITY_CASES.filter((row) => [...CORE, ...CPU, ...WASM].includes(row.name));
  await Promise.all(rows.map((row) => runParity(tf, { ...row, gradient: false })));
  const before = held();
  for (const row of rows) await runParity(tf, { ...row, gradient: false });
  expect(held()).toEqual(before);
});
