/** `model` and its commands, on the small models. */
import fs from "node:fs";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { program } from "@bulkhead/coordinator";
import { openBaseModel, writeAdapterFolder } from "@bulkhead/finetune";
import { expect, test, vi } from "vitest";
import { SMALL_MODELS, smallAdapter } from "../finetune/models/small-models.ts";
import { newFolder, pairsOf, writeFolder, writeGguf } from "../finetune/models/stored-models.ts";
import { u32Pair } from "../finetune/weights/gguf-file.ts";

const llama = SMALL_MODELS.cases["llama"]!;

const model = async (...args: readonly string[]) => {
  let stdout = "";
  const out = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  const err = vi.spyOn(process.stderr, "write").mockImplementation(() => true);
  try {
    const code = await program(["model", ...args]);
    return { code, stdout, error: undefined };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { code: undefined, stdout, error };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
};

const jsonOf = ({ stdout }: { readonly stdout: string }): Record<string, unknown> => JSON.parse(stdout);

test("inspect says what a model is, and the digest that import prints", async () => {
  const file = await writeGguf(llama);
  const seen = jsonOf(await model("inspect", file, "--json"));
  expect(seen).toMatchObject({
    format: "gguf",
    family: "llama",
    supported: true,
    refusals: [],
    shape: { layers: 2, width: 16, heads: 4, keyValueHeads: 2, use: "language-model" },
    tokenizer: { tokens: 24, chatTemplate: true },
    types: { F32: { tensors: Object.keys(llama.shapes).length } },
  });
  const out = path.join(newFolder(), "out");
  const imported = jsonOf(await model("import", file, "--out", out, "--json"));
  expect(imported).toMatchObject({ type: "F32", leftOut: [] });
  expect(jsonOf(await model("inspect", out, "--json"))["digest"]).toBe(imported["digest"]);
  expect((await model("inspect", out)).stdout).toContain("It can be used.");
});

test("inspect names what is refused and goes on", async () => {
  const file = await writeGguf(llama, { pairs: [...pairsOf(llama), u32Pair("llama.expert_count", 8)] });
  const { code, stdout } = await model("inspect", file);
  expect(code).toBe(0);
  expect(stdout).toMatch(/Refused: .*expert_count/u);
  expect(stdout).toContain("Tokenizer of 24 tokens");
});

test("import writes over nothing, and leaves nothing of what it could not finish", async () => {
  const out = newFolder();
  fs.writeFileSync(path.join(out, "mine"), "");
  const file = await writeGguf(llama);
  expect((await model("import", file, "--out", out)).error).toMatchObject({
    code: "path-exists",
    place: out,
  });
  const folder = await writeFolder(llama);
  fs.rmSync(path.join(folder, "tokenizer.json"));
  const fresh = path.join(newFolder(), "fresh");
  expect((await model("import", folder, "--out", fresh)).error).toMatchObject({ code: "model-files" });
  expect(fs.existsSync(fresh)).toBe(false);
});

const adapterFor = async (place: string): Promise<string> => {
  const base = await openBaseModel(place);
  const folder = newFolder();
  const { plan, trained } = smallAdapter(llama);
  await writeAdapterFolder(folder, base, { plan, trained }, { baseName: "first", type: "F32" });
  await base.close();
  return folder;
};

const answer = async (...args: readonly string[]) =>
  jsonOf(
    await model(
      "generate",
      ...args,
      "--prompt",
      "abc",
      "--plain",
      "--tokens",
      "6",
      "--backend",
      "cpu",
      "--json",
    ),
  )["ids"];

test("a merged model answers as the model with its adapter, and otherwise than without", async () => {
  const file = await writeGguf(llama);
  const adapter = await adapterFor(file);
  const out = path.join(newFolder(), "merged");
  expect((await model("merge", file, "--adapter", adapter, "--out", out)).code).toBe(0);
  const adapted = await answer(file, "--adapter", adapter);
  expect(await answer(out)).toEqual(adapted);
  expect(await answer(file)).not.toEqual(adapted);
});

test("an exported adapter is the same adapter under the name asked for", async () => {
  const file = await writeGguf(llama);
  const adapter = await adapterFor(file);
  const out = path.join(newFolder(), "adapter");
  const told = await model(
    "export",
    file,
    "--adapter",
    adapter,
    "--base-name",
    "org/base",
    "--out",
    out,
    "--json",
  );
  expect(jsonOf(told)).toMatchObject({ adapter: out, baseModel: "org/base" });
  const config = fs.readFileSync(path.join(out, "adapter_config.json"), "utf8");
  expect(JSON.parse(config)).toMatchObject({ base_model_name_or_path: "org/base", peft_type: "LORA" });
  const weights = (folder: string) => fs.readFileSync(path.join(folder, "adapter_model.safetensors"));
  expect(weights(out).equals(weights(adapter))).toBe(true);
});

test("the same seed draws the same answer, and text is streamed as it stands in JSON", async () => {
  const file = await writeGguf(llama);
  const drawn = (seed: string) => answer(file, "--temperature", "3", "--top-p", "0.95", "--seed", seed);
  expect(await drawn("one")).toEqual(await drawn("one"));
  expect(await drawn("one")).not.toEqual(await drawn("two"));
  const asked = ["generate", file, "--prompt", "abc", "--plain", "--tokens", "6", "--backend", "cpu"];
  expect((await model(...asked)).stdout).toBe(jsonOf(await model(...asked, "--json"))["text"]);
});

test.each<readonly [string, readonly string[]]>([
  ["--temperature", ["--temperature", "-1"]],
  ["--top-p", ["--top-p", "2"]],
  ["--tokens", ["--tokens", "1.5"]],
])("a wrong %s is named", async (option, args) => {
  const { error } = await model("generate", "none", "--prompt", "a", ...args);
  expect(error).toMatchObject({ code: "usage-option", place: option });
});

test("a model that is not there is named", async () => {
  const place = path.join(newFolder(), "none.gguf");
  expect((await model("inspect", place)).error).toMatchObject({ place });
});

test("a model that gives vectors cannot answer", async () => {
  const folder = await writeFolder(SMALL_MODELS.cases["bert"]!);
  const { error } = await model("generate", folder, "--prompt", "a", "--backend", "cpu");
  expect(error).toMatchObject({ code: "model-unusable" });
});
