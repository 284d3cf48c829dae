import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { encodeFields } from "@bulkhead/base";
import { baseDigest, openClassifierTrainer, writeSafetensors } from "@bulkhead/finetune";
import { describe, expect, test } from "vitest";
import { TINY_TASK } from "./tiny-classifier.ts";
import { TINY_CONFIG, tinyModelFolder, tinyWeights } from "./tiny-model.ts";

const open = (modelFolder: string) =>
  openClassifierTrainer({ modelFolder, task: TINY_TASK, examples: [], backend: "cpu" });

describe("the digest of a base model", () => {
  const FILES = ["config.json", "model.safetensors", "tokenizer.json"];

  test("is over the names and the digests of the three files, and of no other", async () => {
    const folder = tinyModelFolder();
    const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());
    const fields = FILES.flatMap((name) => [name, sha256(fs.readFileSync(path.join(folder, name)))]);
    const wanted = sha256(encodeFields(...fields));
    expect(await baseDigest(folder)).toEqual(wanted);
    fs.writeFileSync(path.join(folder, "README.md"), "a model");
    expect(await baseDigest(folder)).toEqual(wanted);
  });

  test.each(FILES)("changes with one bit of %s", async (name) => {
    const folder = tinyModelFolder();
    const before = await baseDigest(folder);
    const bytes = fs.readFileSync(path.join(folder, name));
    bytes[bytes.length - 2]! ^= 1;
    fs.writeFileSync(path.join(folder, name), bytes);
    expect(await baseDigest(folder)).not.toEqual(before);
  });

  test("is taken piece by piece: the weights are never in memory as a whole", async () => {
    const folder = tinyModelFolder();
    fs.truncateSync(path.join(folder, "model.safetensors"), 256 * 2 ** 20);
    const before = process.memoryUsage().arrayBuffers;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers)), 5);
    await baseDigest(folder);
    clearInterval(watch);
    expect(most - before).toBeLessThan(64 * 2 ** 20);
  });

  test("names every file that is missing", async () => {
    const folder = tinyModelFolder();
    fs.rmSync(path.join(folder, "model.safetensors"));
    fs.rmSync(path.join(folder, "tokenizer.json"));
    await expect(baseDigest(folder)).rejects.toMatchObject({
      name: "InputError",
      code: "model-files",
      place: folder,
      problem: "there is no model.safetensors, no tokenizer.json",
      cure: "name a folder in Hugging Face layout, with config.json, model.safetensors, tokenizer.json",
    });
    await expect(baseDigest(path.join(folder, "nowhere"))).rejects.toMatchObject({
      place: path.join(folder, "nowhere"),
      problem: "there is no config.json, no model.safetensors, no tokenizer.json",
    });
  });

  test("is not taken of what is no file, or of a file larger than such a file can be", async () => {
    const folder = tinyModelFolder();
    const config = path.join(folder, "config.json");
    fs.truncateSync(config, 2 ** 20 + 1);
    await expect(baseDigest(folder)).rejects.toMatchObject({
      place: config,
      problem: "it is larger than 1048576 bytes",
    });
    fs.rmSync(config);
    fs.mkdirSync(config);
    await expect(baseDigest(folder)).rejects.toMatchObject({ place: config, problem: "it is not a file" });
    fs.rmdirSync(config);
    fs.symlinkSync("config.json", config);
    await expect(baseDigest(folder)).rejects.toMatchObject({
      place: config,
      problem: "it cannot be read (ELOOP)",
    });
  });
});

describe("a folder that is no BERT encoder is refused by file and field", () => {
  test.each([
    [{ model_type: "llama" }, 'model_type: expected "bert"'],
    [{ hidden_act: "gelu_new" }, 'hidden_act: expected "gelu"'],
    [{ position_embedding_type: "relative_key" }, "position_embedding_type: expected absolute"],
    [{ num_attention_heads: 3 }, "num_attention_heads: expected a divisor of hidden_size"],
    [{ hidden_size: "8" }, "hidden_size: expected an integer"],
    [{ num_hidden_layers: 1e9 }, "num_hidden_layers: expected an integer from 1 to 256"],
    [{ layer_norm_eps: -1 }, "layer_norm_eps: expected a finite number"],
    [{ vocab_size: undefined }, "vocab_size: expected an integer"],
  ])("config.json with %j", async (change, problem) => {
    const folder = tinyModelFolder({ config: { ...TINY_CONFIG, ...change } });
    await expect(open(folder)).rejects.toMatchObject({
      name: "InputError",
      code: "model-unusable",
      place: path.join(folder, "config.json"),
      problem: expect.stringContaining(problem),
    });
  });

  test("config.json that is no JSON", async () => {
    const folder = tinyModelFolder();
    fs.writeFileSync(path.join(folder, "config.json"), "{");
    await expect(open(folder)).rejects.toMatchObject({ problem: "it is not a JSON object" });
  });

  const weightsProblem = async (weights: Uint8Array): Promise<string> => {
    const folder = tinyModelFolder({ weights });
    const error: unknown = await open(folder).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "InputError", place: path.join(folder, "model.safetensors") });
    return error instanceof Error && "problem" in error ? String(error.problem) : "";
  };

  test("weights that lack a tensor, or have it in another shape", async () => {
    const [first, ...rest] = tinyWeights();
    const { name, values } = first!;
    expect(await weightsProblem(writeSafetensors(rest))).toBe(`it has no tensor ${name}`);
    const turned = writeSafetensors([{ name, values, shape: [8, 12] }, ...rest]);
    expect(await weightsProblem(turned)).toBe(`${name} has the shape [8,12], not [12,8]`);
  });

  test("weights that are integers, or no weights", async () => {
    const text = Buffer.from(writeSafetensors(tinyWeights())).toString("latin1").replaceAll("F32", "I32");
    expect(await weightsProblem(Buffer.from(text, "latin1"))).toMatch(/holds I32, not floats$/u);
    expect(await weightsProblem(new Uint8Array(3))).toMatch(/^not a sound safetensors file: header/u);
  });

  test("names under bert. are found too, as models with a head have them", async () => {
    const under = tinyWeights().map((tensor) => ({ ...tensor, name: `bert.${tensor.name}` }));
    const trainer = await open(tinyModelFolder({ weights: writeSafetensors(under) }));
    await trainer.close();
  });
});
