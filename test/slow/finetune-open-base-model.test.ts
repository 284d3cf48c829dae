import fs from "node:fs";
import path from "node:path";
import { openBackend } from "@bulkhead/compute";
import {
  loadModel,
  modelTensors,
  openBaseModel,
  openModelChat,
  promptOf,
  runModel,
  useOfShape,
  writeModel,
} from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { u32Pair } from "../finetune/weights/gguf-file.ts";
import { expectNear, rowsOf } from "../finetune/models/model-cases.ts";
import { shapeOf, SMALL_MODELS, type SmallCase, useOf } from "../finetune/models/small-models.ts";
import { END, newFolder, pairsOf, writeFolder, writeGguf } from "../finetune/models/stored-models.ts";

const CASES = Object.entries(SMALL_MODELS.cases);
const IN_GGUF = ["llama", "llama-linear", "qwen2", "qwen3", "gpt2"];

const expectSameOutputs = async (place: string, small: SmallCase): Promise<void> => {
  const { tf } = await openBackend("cpu");
  const base = await openBaseModel(place);
  const model = await loadModel(tf, base.shape, useOfShape(base.shape), base.tensor);
  const outputs = await runModel(tf, { model }, rowsOf(SMALL_MODELS));
  for (const [row, values] of outputs.entries()) expectNear(values, small.plain[row]!, 2e-5);
  model.dispose();
  await base.close();
};

test.each(IN_GGUF)("%s from a GGUF file gives what transformers gives", async (name) => {
  const small = SMALL_MODELS.cases[name]!;
  await expectSameOutputs(await writeGguf(small), small);
});

test.each(CASES)("%s is written as a folder that gives the same", async (_, small) => {
  const base = await openBaseModel(await writeFolder(small));
  const out = newFolder();
  const written = await writeModel(base, out, "F32");
  await base.close();
  expect(written).toEqual({ tensors: Object.keys(small.shapes).length, leftOut: [] });
  await expectSameOutputs(out, small);
});

test("a GGUF file is written as a folder with the same tokenizer and chat template", async () => {
  const base = await openBaseModel(await writeGguf(SMALL_MODELS.cases["llama"]!));
  const out = newFolder();
  await writeModel(base, out, "BF16");
  const again = await openBaseModel(out);
  expect({ ...again.config }).toEqual({ ...base.config, torch_dtype: "bfloat16" });
  expect([...again.weights.tensors.values()].every(({ type }) => type === "BF16")).toBe(true);
  const [before, after] = [await base.openTokenizer(), await again.openTokenizer()];
  for (const text of ["hello", "fed up<|end|>w"])
    for (const special of [false, true])
      expect([...after.encode(text, { special })]).toEqual([...before.encode(text, { special })]);
  expect(openModelChat(after)?.source.template).toBe(openModelChat(before)?.source.template);
  expect(after.eos).toBe(END);
  await Promise.all([base.close(), again.close()]);
});

test.each(CASES)("the tensors of %s are known before they are loaded", async (_, small) => {
  const { tf } = await openBackend("cpu");
  const known = new Map(modelTensors(shapeOf(small), useOf(small)).map(({ name, shape }) => [name, shape]));
  const asked = new Map<string, readonly number[]>();
  const model = await loadModel(tf, shapeOf(small), useOf(small), async (name, sides) => {
    asked.set(name, sides);
    return new Float32Array(sides.reduce((size, side) => size * side, 1));
  });
  model.dispose();
  expect(Object.fromEntries(asked)).toEqual(Object.fromEntries(known));
  // What a checkpoint has beside these, a pooler, is none of our business.
  for (const [name, shape] of known) expect(small.shapes[name]).toEqual(shape);
});

const refused = async (place: string): Promise<unknown> => {
  try {
    await (await openBaseModel(place)).close();
  } catch (error) {
    return error;
  }
  return undefined;
};

test.each<readonly [string, number, string]>([
  ["llama.expert_count", 8, "expert_count"],
  ["llama.attention.sliding_window", 16, "attention.sliding_window"],
  ["llama.rope.dimension_count", 2, "rope.dimension_count"],
  ["llama.something_new", 1, "something_new"],
])("a GGUF file with %s is refused by that name", async (key, value, named) => {
  const small = SMALL_MODELS.cases["llama"]!;
  const file = await writeGguf(small, { pairs: [...pairsOf(small), u32Pair(key, value)] });
  expect(await refused(file)).toMatchObject({
    code: "model-unusable",
    place: file,
    problem: expect.stringContaining(named),
  });
});

test("a GGUF file with a tensor that no such model has is refused by its name", async () => {
  const small = SMALL_MODELS.cases["llama"]!;
  const more = [{ name: "blk.0.odd.weight", sides: [4], type: 0, bytes: new Uint8Array(16) }];
  expect(await refused(await writeGguf(small, { more }))).toMatchObject({
    problem: expect.stringContaining("blk.0.odd.weight"),
  });
});

test("a folder without a tensor, and one without a configuration, are refused before anything is read", async () => {
  const small = SMALL_MODELS.cases["llama"]!;
  const { "model.norm.weight": _, ...shapes } = small.shapes;
  expect(await refused(await writeFolder({ ...small, shapes }))).toMatchObject({
    problem: "it has no tensor model.norm.weight",
  });
  const folder = await writeFolder(small);
  fs.rmSync(path.join(folder, "config.json"));
  expect(await refused(path.join(folder, "model.safetensors"))).toMatchObject({
    code: "model-files",
    place: folder,
    problem: "there is no config.json",
  });
});

/** What llama.cpp's converter writes for Llama 3.1: by what each frequency is divided. */
const llama3Divisors = (headWidth: number, base: number): Float32Array =>
  Float32Array.from({ length: headWidth / 2 }, (_, i) => {
    const frequency = base ** ((-2 * i) / headWidth);
    const wave = (2 * Math.PI) / frequency;
    if (wave < 8192 / 4) return 1;
    if (wave > 8192) return 8;
    const smooth = (8192 / wave - 1) / (4 - 1);
    return 1 / ((1 - smooth) / 8 + smooth);
  });

test("Llama 3.1's frequencies are known again, and others refused", async () => {
  const small = SMALL_MODELS.cases["llama"]!;
  const wide = { ...small, config: { ...small.config, rope_parameters: { rope_theta: 5e9 } } };
  const withFrequencies = (values: Float32Array) =>
    writeGguf(wide, {
      more: [{ name: "rope_freqs.weight", sides: [2], type: 0, bytes: new Uint8Array(values.buffer) }],
    });
  const base = await openBaseModel(await withFrequencies(llama3Divisors(4, 5e9)));
  expect(base.shape.position).toMatchObject({
    scaling: { type: "llama3", factor: 8, originalPositions: 8192 },
  });
  await base.close();
  expect(await refused(await withFrequencies(Float32Array.of(1, 2, 3).slice(1)))).toMatchObject({
    problem: expect.stringContaining("rope_freqs.weight"),
  });
});

test("a question is put by the chat template, its special tokens as text", async () => {
  const base = await openBaseModel(await writeGguf(SMALL_MODELS.cases["llama"]!));
  const tokenizer = await base.openTokenizer();
  await base.close();
  expect(promptOf(tokenizer, { prompt: "ab" })).toEqual({ ids: Int32Array.of(0, 1, END), stop: [END] });
  expect([...promptOf(tokenizer, { prompt: "ab", plain: true }).ids]).toEqual([0, 1]);
  const ids = [...promptOf(tokenizer, { prompt: "a<|end|>b" }).ids];
  expect(ids.filter((id) => id === END)).toHaveLength(1);
});
