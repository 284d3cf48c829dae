import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { openWeights } from "@bulkhead/finetune";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { floatToBfloat } from "../reference/half-floats.ts";
import { VALUE_OF } from "../reference/dequantise.ts";
import { GGUF_BLOCKS } from "../vectors/gguf.ts";
import { firstDifference } from "../finetune/weights/first-difference.ts";
import { ggufFile } from "../finetune/weights/gguf-file.ts";

const TYPES = { Q4_0: 2, Q4_1: 3, Q5_0: 6, Q5_1: 7, Q8_0: 8, Q4_K: 12, Q5_K: 13, Q6_K: 14 };

const place = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "dequantise-")), "blocks.gguf");

const read = async (type: keyof typeof TYPES, blocks: Uint8Array, values: number) => {
  fs.writeFileSync(
    place,
    ggufFile({ tensors: [{ name: "a", sides: [values], type: TYPES[type], bytes: blocks }] }),
  );
  const weights = await openWeights(place);
  try {
    return { floats: await weights.floats("a"), halves: await weights.halves("a") };
  } finally {
    await weights.close();
  }
};

const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));

describe.each(GGUF_BLOCKS)("$type", ({ type, blocks, floats }) => {
  const size = fromBase64(blocks).length / 3;
  const wanted = new Float32Array(fromBase64(floats).buffer);
  const perBlock = wanted.length / 3;

  /** Of all blocks, by the slow twin. */
  const twin = (bytes: Uint8Array): Float32Array =>
    Float32Array.from({ length: (bytes.length / size) * perBlock }, (_, i) => {
      const start = Math.floor(i / perBlock) * size;
      return VALUE_OF[type](bytes.subarray(start, start + size), i % perBlock);
    });

  test("gives the floats of Python's gguf to the bit, and so does its slow twin", async () => {
    const { floats: got, halves } = await read(type, fromBase64(blocks), wanted.length);
    expect(got).toEqual(wanted);
    expect(twin(fromBase64(blocks))).toEqual(wanted);
    expect(halves).toEqual(Uint16Array.from(wanted, floatToBfloat));
  });

  test("gives those of its slow twin for any bytes, through several reads", async () => {
    const count = Math.ceil(2.3 * (2 ** 20 / size));
    const some = fc.sample(fc.uint8Array({ minLength: size, maxLength: size }), { numRuns: 100, seed: 1 });
    const bytes = new Uint8Array(count * size);
    for (let i = 0; i < count; i++) bytes.set(some[(i * 37) % some.length]!, i * size);
    const { floats: got } = await read(type, bytes, count * perBlock);
    const some64 = (from: number) => [
      got.subarray(from * perBlock, (from + 64) * perBlock),
      twin(bytes.subarray(from * size, (from + 64) * size)),
    ];
    // The third megabyte starts between two blocks, wherever it does.
    for (const from of [0, Math.floor(2 ** 21 / size) - 32, count - 64]) {
      const [ours, theirs] = some64(from);
      expect(firstDifference(ours!, theirs!)).toBe(-1);
    }
  });
});
