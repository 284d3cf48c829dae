/** A real GGUF file against Python's reader of it; it is fetched by `node scripts/fetch-artefacts.mjs smollm2`. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { openWeights, undoRopePermutation } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";

const MODEL = path.join(
  import.meta.dirname,
  "..",
  "..",
  ".cache",
  "smollm2",
  "SmolLM2-135M-Instruct.Q4_1.gguf",
);
const isThere = fs.existsSync(MODEL);
const suite = isThere
  ? "SmolLM2-135M-Instruct"
  : "SmolLM2-135M-Instruct (skipped: .cache/smollm2 is not fetched)";

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

const sha256 = (...parts: readonly (Uint8Array | string)[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** The digests are those of Python's gguf 0.19: of all tensors in the order of the file, of its tokens and its merges. */
describe.skipIf(!isThere)(suite, () => {
  test("has the values that Python's gguf reads, as floats and rounded to bfloat16, to the bit", async () => {
    const weights = await openWeights(MODEL);
    const [floats, halves] = [createHash("sha256"), createHash("sha256")];
    let parameters = 0;
    for (const name of weights.tensors.keys()) {
      const values = await weights.floats(name);
      parameters += values.length;
      floats.update(bytesOf(values));
      halves.update(bytesOf(await weights.halves(name)));
    }
    expect(parameters).toBe(134_515_008);
    expect(floats.digest("hex")).toBe("1034100613c22abd3cc047d99b02ed7a8d419bc245f4cf54a4736c5f699ba569");
    expect(halves.digest("hex")).toBe("14bc724e09d61bcc9bfedb0471bd1245b167ff92170546c80205b150d2609c63");
    const keys = undoRopePermutation(await weights.floats("blk.3.attn_k.weight"), 3, 192);
    expect(sha256(bytesOf(keys))).toBe("64d260baa4d5478cd91053172dc60f6cb429f1860d6882920f4f8c18b846464a");
    await weights.close();
  });

  test("has the metadata that Python's gguf reads", async () => {
    const weights = await openWeights(MODEL);
    const types = new Map<string, number>();
    for (const { type } of weights.tensors.values()) types.set(type, (types.get(type) ?? 0) + 1);
    expect(Object.fromEntries(types)).toEqual({ Q8_0: 1, F32: 61, Q4_1: 210 });
    expect(weights.tensors.get("blk.0.ffn_up.weight")!.shape).toEqual([1536, 576]);
    const { metadata } = weights;
    expect(metadata.size).toBe(33);
    expect(metadata.get("llama.rope.freq_base")).toBe(100_000);
    expect(metadata.get("tokenizer.ggml.token_type")).toHaveLength(49_152);
    for (const [key, count, digest] of [
      ["tokens", 49_152, "d1f2ce856b324081b621d9e2e8dbd22879f462329f3fd4aa39fa758dddb2ce55"],
      ["merges", 48_900, "aea6ed50becdb3beed814d2fde2dea2e655d1039addf269d74a4708ce2ed4d63"],
    ] as const) {
      const list = metadata.get(`tokenizer.ggml.${key}`);
      expect(list).toHaveLength(count);
      expect(sha256(Array.isArray(list) ? list.join("\n") : "")).toBe(digest);
    }
    await weights.close();
  });

  test("takes the memory of its largest tensor to be read, not of the file", async () => {
    const weights = await openWeights(MODEL);
    const largest = 49_152 * 576 * 4;
    const before = process.memoryUsage().arrayBuffers;
    const values = await weights.floats("token_embd.weight");
    expect(values.byteLength).toBe(largest);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(largest + 2 ** 24);
    await weights.close();
  });
});
