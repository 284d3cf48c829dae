import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { openWeights, writeSafetensorsFile } from "@bulkhead/finetune";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bfloatToFloat, floatToBfloat, floatToHalf, halfToFloat } from "../../reference/half-floats.ts";
import { firstDifference } from "./first-difference.ts";

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "half-floats-"));

/** Through a file, since that is the way that halves come and go. */
const throughFile = async (values: Float32Array, type: "F16" | "BF16") => {
  const place = path.join(folder, `${type}.safetensors`);
  await writeSafetensorsFile(place, [
    { name: "a", shape: [values.length], type, values: async () => values },
  ]);
  const weights = await openWeights(place);
  try {
    return { floats: await weights.floats("a"), halves: await weights.halves("a") };
  } finally {
    await weights.close();
  }
};

const EVERY_HALF = Float32Array.from({ length: 65_536 }, (_, bits) => halfToFloat(bits));
const EVERY_BFLOAT = Float32Array.from({ length: 65_536 }, (_, bits) => bfloatToFloat(bits));

/** Floats beside which a choice must be made: the middle of two neighbours, and the floats next to it. */
const choices = (all: Float32Array): Float32Array => {
  const finite = [...all].filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b);
  const middles = Float32Array.from(finite.slice(1), (value, i) => (value + finite[i]!) / 2).filter(
    (_, i) => i % 7 === 0 || i < 100,
  );
  const bits = new Uint32Array(middles.buffer);
  const beside = (step: number) =>
    new Float32Array(
      Uint32Array.from(bits, (each) => ((each & 0x7fffffff) === 0 ? each : each + step)).buffer,
    );
  return Float32Array.from([
    ...middles,
    ...beside(1),
    ...beside(-1),
    65_519,
    65_520,
    65_504.5,
    3.4e38,
    -3.4e38,
  ]);
};

describe.each([
  ["F16", EVERY_HALF, floatToHalf, halfToFloat],
  ["BF16", EVERY_BFLOAT, floatToBfloat, bfloatToFloat],
] as const)("%s", (type, every, narrow, widen) => {
  test("each of its values is written and read as itself", async () => {
    expect(firstDifference((await throughFile(every, type)).floats, every)).toBe(-1);
  });

  test("rounds to the nearest and ties to even, as its slow twin", async () => {
    const values = choices(every);
    const wanted = Float32Array.from(values, (value) => widen(narrow(value)));
    const { floats } = await throughFile(values, type);
    expect(firstDifference(floats, wanted)).toBe(-1);
  });

  test("rounds any float as its slow twin", async () => {
    const bits = fc.sample(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { numRuns: 20_000, seed: 1 });
    const values = new Float32Array(Uint32Array.from(bits).buffer);
    const wanted = Float32Array.from(values, (value) => widen(narrow(value)));
    expect(firstDifference((await throughFile(values, type)).floats, wanted)).toBe(-1);
  });
});

test("halves of F16 are its floats rounded to bfloat16", async () => {
  const { halves } = await throughFile(EVERY_HALF, "F16");
  const wanted = Uint16Array.from(EVERY_HALF, floatToBfloat);
  const isNumber = (_: number, i: number) => !Number.isNaN(EVERY_HALF[i]!);
  expect(firstDifference(halves.filter(isNumber), wanted.filter(isNumber))).toBe(-1);
  expect(halves.every((each, i) => isNumber(0, i) || Number.isNaN(bfloatToFloat(each)))).toBe(true);
});
