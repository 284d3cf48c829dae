import fs from "node:fs";
import path from "node:path";
import {
  classifierTensors,
  type NamedValues,
  parameterCount,
  readClassifierCheckpoint,
  writeSafetensors,
} from "@bulkhead/finetune";
import { expect, test } from "vitest";
import { freshFolder } from "../launch.ts";
import { TINY_TASK } from "./tiny-classifier.ts";
import { tinyModelFolder } from "./tiny-model.ts";

const write = (folder: string, name: string, content: string | Uint8Array): void =>
  fs.writeFileSync(path.join(folder, name), content);

/** As the coordinator writes one; its values count up from 0. */
const newCheckpoint = async (modelFolder: string) => {
  const folder = freshFolder();
  const specs = await classifierTensors(modelFolder, TINY_TASK);
  const model = Float32Array.from({ length: parameterCount(specs) }, (_, i) => i);
  let at = 0;
  const tensors: readonly NamedValues[] = specs.map((spec) => ({
    ...spec,
    values: model.subarray(at, (at += parameterCount([spec]))),
  }));
  const isAdapter = ({ name }: NamedValues) => name.startsWith("base_model.");
  write(folder, "adapter_model.safetensors", writeSafetensors(tensors.filter(isAdapter)));
  write(folder, "head.safetensors", writeSafetensors(tensors.filter((tensor) => !isAdapter(tensor))));
  const { lora, classes, maxTokens, logitScale } = TINY_TASK;
  const adapter = {
    peft_type: "LORA",
    r: lora.rank,
    lora_alpha: lora.alpha,
    layers_to_transform: lora.layers,
  };
  write(folder, "adapter_config.json", JSON.stringify(adapter));
  write(folder, "head_config.json", JSON.stringify({ classes, logitScale, maxTokens, pooling: "mean" }));
  return { folder, model };
};

test("a checkpoint gives task and model back", async () => {
  const modelFolder = tinyModelFolder();
  const { folder, model } = await newCheckpoint(modelFolder);
  expect(await readClassifierCheckpoint(folder, modelFolder)).toEqual({ task: TINY_TASK, model });
});

test.each([
  ["a missing head", "head.safetensors", undefined, "cannot be read"],
  ["a config that is no JSON", "adapter_config.json", "r: 2", "not a JSON object"],
  ["a config that is a list", "head_config.json", "[]", "not a JSON object"],
  [
    "another rank than the tensors'",
    "adapter_config.json",
    `{"r":3,"lora_alpha":4,"layers_to_transform":[1,2]}`,
    "no tensor",
  ],
  [
    "a layer that the encoder lacks",
    "adapter_config.json",
    `{"r":2,"lora_alpha":4,"layers_to_transform":[9]}`,
    "layers",
  ],
  ["a head without classes", "head_config.json", `{"logitScale":10,"maxTokens":6}`, "classes"],
  ["tensors that are cut off", "adapter_model.safetensors", "short", "safetensors"],
])("%s is refused in one line", async (_, name, content, problem) => {
  const modelFolder = tinyModelFolder();
  const { folder } = await newCheckpoint(modelFolder);
  if (content === undefined) fs.rmSync(path.join(folder, name));
  else write(folder, name, content);
  await expect(readClassifierCheckpoint(folder, modelFolder)).rejects.toMatchObject({
    name: "InputError",
    message: expect.stringContaining(problem),
  });
});
