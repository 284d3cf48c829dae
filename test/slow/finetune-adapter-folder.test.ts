import fs from "node:fs";
import path from "node:path";
import { openBackend } from "@bulkhead/compute";
import {
  loadModel,
  mergeChange,
  openBaseModel,
  readAdapterFolder,
  runModel,
  useOfShape,
  writeAdapterFolder,
  writeModel,
} from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { expectNear, rowsOf } from "../finetune/models/model-cases.ts";
import { SMALL_MODELS, smallAdapter, type SmallCase } from "../finetune/models/small-models.ts";
import { newFolder, writeFolder, writeGguf } from "../finetune/models/stored-models.ts";

const llama = SMALL_MODELS.cases["llama"]!;

const writeAdapter = async (place: string, small: SmallCase): Promise<string> => {
  const base = await openBaseModel(place);
  const folder = newFolder();
  const { plan, trained } = smallAdapter(small);
  await writeAdapterFolder(folder, base, { plan, trained }, { baseName: "a base", type: "F32" });
  await base.close();
  return folder;
};

test("an adapter that was written is read back, with the name of its base", async () => {
  const place = await writeFolder(llama);
  const folder = await writeAdapter(place, llama);
  const base = await openBaseModel(place);
  const read = await readAdapterFolder(folder, base);
  await base.close();
  expect(read.baseName).toBe("a base");
  expect(read.trained).toEqual(smallAdapter(llama).trained);
});

test.each(Object.entries(SMALL_MODELS.cases))(
  "%s with its adapter merged gives what transformers gives with both",
  async (_, small) => {
    const place = await writeFolder(small);
    const adapter = await writeAdapter(place, small);
    const base = await openBaseModel(place);
    const out = newFolder();
    await writeModel(base, out, "F32", mergeChange(base, await readAdapterFolder(adapter, base)));
    await base.close();
    const merged = await openBaseModel(out);
    const { tf } = await openBackend("cpu");
    const model = await loadModel(tf, merged.shape, useOfShape(merged.shape), merged.tensor);
    const outputs = await runModel(tf, { model }, rowsOf(SMALL_MODELS));
    for (const [row, values] of outputs.entries()) expectNear(values, small.adapted[row]!, 2e-5);
    model.dispose();
    await merged.close();
  },
);

test.each<readonly [string, (folder: string) => void, string]>([
  [
    "without its configuration",
    (folder) => fs.rmSync(path.join(folder, "adapter_config.json")),
    "checkpoint-unusable",
  ],
  ["without its weights", (folder) => fs.rmSync(path.join(folder, "adapter_model.safetensors")), "model-"],
])("a folder %s is no adapter", async (_, spoil, code) => {
  const place = await writeGguf(llama);
  const folder = await writeAdapter(place, llama);
  spoil(folder);
  const base = await openBaseModel(place);
  await expect(readAdapterFolder(folder, base)).rejects.toMatchObject({
    code: expect.stringContaining(code),
    place: expect.stringContaining(folder),
  });
  await base.close();
});

test("another model's adapter is refused", async () => {
  const folder = await writeAdapter(await writeFolder(llama), llama);
  const base = await openBaseModel(await writeFolder(SMALL_MODELS.cases["gpt2"]!));
  await expect(readAdapterFolder(folder, base)).rejects.toMatchObject({ name: "InputError" });
  await base.close();
});
