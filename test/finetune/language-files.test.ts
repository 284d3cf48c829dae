import fs from "node:fs";
import path from "node:path";
import { bytesToHex } from "@bulkhead/base";
import {
  baseDigest,
  languageModelDigest,
  openLanguageFiles,
  shapeOfGguf,
  type TensorEntry,
} from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { SMOLLM2 } from "./models/smollm2.ts";
import { tinyLanguageModel } from "./tiny-language-model.ts";

const digestOf = async (folder: string) => bytesToHex(await languageModelDigest({ folder }));

test("the digest names all files that training depends on, and no others", async () => {
  const folder = tinyLanguageModel();
  const digest = await digestOf(folder);
  fs.writeFileSync(path.join(folder, "README.md"), "words");
  expect(await digestOf(folder)).toBe(digest);
  fs.writeFileSync(path.join(folder, "chat_template.jinja"), "{{ messages }}");
  expect(await digestOf(folder)).not.toBe(digest);
  for (const name of ["README.md", "chat_template.jinja", "tokenizer_config.json"])
    fs.rmSync(path.join(folder, name));
  expect(await digestOf(folder)).toBe(bytesToHex(await baseDigest(folder)));
});

test("the digest of a sharded model covers its shards, which stand beside the index", async () => {
  const folder = tinyLanguageModel();
  fs.renameSync(path.join(folder, "model.safetensors"), path.join(folder, "part-1.safetensors"));
  const index = path.join(folder, "model.safetensors.index.json");
  fs.writeFileSync(index, JSON.stringify({ weight_map: { a: "part-1.safetensors" } }));
  const digest = await digestOf(folder);
  fs.appendFileSync(path.join(folder, "part-1.safetensors"), "x");
  expect(await digestOf(folder)).not.toBe(digest);
  for (const weight_map of [{ a: "../secret" }, {}, { a: 3 }]) {
    fs.writeFileSync(index, JSON.stringify({ weight_map }));
    await expect(digestOf(folder)).rejects.toMatchObject({ code: "model-files", place: index });
  }
});

test("a missing file, or one of another shape, is named", async () => {
  const folder = tinyLanguageModel();
  const config = JSON.parse(fs.readFileSync(path.join(folder, "config.json"), "utf8"));
  fs.writeFileSync(path.join(folder, "config.json"), JSON.stringify({ ...config, vocab_size: 300 }));
  const { shape, weights, close } = await openLanguageFiles({ folder });
  expect(shape.vocabulary).toBe(300);
  await expect(weights("model.embed_tokens.weight", [300, 16])).rejects.toMatchObject({
    code: "model-tensor",
    problem: "model.embed_tokens.weight has the shape [258,16], not [300,16]",
  });
  await close();
  fs.rmSync(path.join(folder, "tokenizer.json"));
  await expect(digestOf(folder)).rejects.toMatchObject({ place: path.join(folder, "tokenizer.json") });
  const file = path.join(freshFolder(), "none.gguf");
  await expect(languageModelDigest({ file })).rejects.toMatchObject({ code: "model-files", place: file });
});

const PAIRS: readonly (readonly [string, string | number])[] = [
  ["general.architecture", "llama"],
  ["llama.block_count", 30],
  ["llama.embedding_length", 576],
  ["llama.attention.head_count", 9],
  ["llama.attention.head_count_kv", 3],
  ["llama.feed_forward_length", 1536],
  ["llama.context_length", 8192],
  ["llama.attention.layer_norm_rms_epsilon", Math.fround(1e-5)],
  ["llama.rope.freq_base", 100_000],
];
const words: TensorEntry = { name: "token_embd.weight", shape: [49_152, 576], type: "F32", bytes: 4 };
const headOf = (changes: readonly (readonly [string, string | number])[] = [], tensors = [words]) => ({
  place: "model.gguf",
  metadata: new Map([...PAIRS, ...changes]),
  tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
});

test("a GGUF file's pairs give the shape that the model's config.json gives", () => {
  expect(shapeOfGguf(headOf())).toEqual(SMOLLM2);
});

test("what GGUF files lay out otherwise than it is read here is refused by name", () => {
  const refused = (changes: Parameters<typeof headOf>[0]) => () => shapeOfGguf(headOf(changes));
  expect(refused([["general.architecture", "gemma"]])).toThrow(/general\.architecture/u);
  expect(refused([["llama.rope.scaling.type", "yarn"]])).toThrow(/type/u);
  expect(() => shapeOfGguf(headOf([], [words, { ...words, name: "rope_freqs.weight" }]))).toThrow(
    /rope_freqs/u,
  );
});
