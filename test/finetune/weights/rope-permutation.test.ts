import { undoRopePermutation } from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { ROPE_PERMUTED } from "../../vectors/gguf.ts";

const permuted = new Float32Array(new Uint8Array(Buffer.from(ROPE_PERMUTED, "base64")).buffer);

test("rows that llama.cpp's converter put into its order are put back", () => {
  const wanted = Float32Array.from({ length: 120 }, (_, i) => i);
  expect(permuted).not.toEqual(wanted);
  expect(undoRopePermutation(permuted, 3, 24)).toEqual(wanted);
  expect(undoRopePermutation(Uint16Array.from(permuted), 3, 24)).toEqual(Uint16Array.from(wanted));
});

test("a bias is rows of one value", () => {
  expect([...undoRopePermutation(Float32Array.of(0, 2, 1, 3), 1, 4)]).toEqual([0, 1, 2, 3]);
});

test("heads of an odd number of rows are a bug of the caller", () => {
  expect(() => undoRopePermutation(permuted, 8, 24)).toThrow("an even number of whole rows");
});
