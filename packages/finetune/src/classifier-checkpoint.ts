/**
 * A checkpoint of a classifier, read back: an adapter in PEFT layout (`adapter_config.json`, `adapter_model.safetensors`)
 * and its head beside it (`head_config.json`, `head.safetensors`).
 */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { finite, InputError, integer, listOf, ShapeError, utf8ToText } from "@bulkhead/base";
import { checkTask, classifierSpecs } from "./classifier.ts";
import { tensorsOf } from "./flat.ts";
import { readEncoderConfig } from "./model-folder.ts";
import { floatsOf, readSafetensors, type StoredTensor } from "./weights/safetensors.ts";
import { type ClassifierTask, parameterCount } from "./trainer.ts";

export interface ClassifierCheckpoint {
  readonly task: ClassifierTask;
  /** Flat, as a trainer of this task takes it. */
  readonly model: Float32Array;
}

const LONGEST_FILE = 2 ** 30;

/** Throws an {@link InputError} where a file is missing or does not fit the others and the base model. */
export const readClassifierCheckpoint = async (
  folder: string,
  modelFolder: string,
): Promise<ClassifierCheckpoint> => {
  const config = await readEncoderConfig(modelFolder);
  const task = await readTask(folder);
  checkTask(config, task);
  const stored = new Map<string, StoredTensor>([
    ...(await readTensors(folder, "adapter_model.safetensors")),
    ...(await readTensors(folder, "head.safetensors")),
  ]);
  const specs = classifierSpecs(config, task);
  const model = new Float32Array(parameterCount(specs));
  for (const { name, shape, values } of tensorsOf(specs, model)) {
    const tensor = stored.get(name);
    const floats = tensor?.shape.join() === shape.join() ? floatsOf(tensor) : undefined;
    if (floats === undefined) throw unusable(folder, `it has no tensor ${name} of shape [${shape.join()}]`);
    values.set(floats);
  }
  return { task, model };
};

const count = integer(1, 1 << 20);

const readTask = async (folder: string): Promise<ClassifierTask> => {
  const adapter = await readJson(folder, "adapter_config.json");
  const head = await readJson(folder, "head_config.json");
  try {
    return {
      classes: count(head["classes"], "classes"),
      maxTokens: count(head["maxTokens"], "maxTokens"),
      logitScale: finite(0)(head["logitScale"], "logitScale"),
      lora: {
        rank: count(adapter["r"], "r"),
        alpha: finite(0)(adapter["lora_alpha"], "lora_alpha"),
        layers: listOf(integer(0, 1 << 20), 1024)(adapter["layers_to_transform"], "layers_to_transform"),
      },
    };
  } catch (error) {
    if (error instanceof ShapeError) throw unusable(folder, error.message);
    throw error;
  }
};

const readTensors = async (folder: string, name: string): Promise<ReadonlyMap<string, StoredTensor>> =>
  readSafetensors(await readBytes(folder, name), path.join(folder, name));

const readJson = async (folder: string, name: string): Promise<Readonly<Record<string, unknown>>> => {
  const bytes = await readBytes(folder, name);
  try {
    const value: unknown = JSON.parse(utf8ToText(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below, as any other value that is no object.
  }
  throw unusable(path.join(folder, name), "it is not a JSON object");
};

const readBytes = async (folder: string, name: string): Promise<Uint8Array> => {
  const place = path.join(folder, name);
  try {
    const found = await stat(place);
    if (found.isFile() && found.size <= LONGEST_FILE) return await readFile(place);
  } catch {
    // Told below.
  }
  throw unusable(place, "it cannot be read");
};

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "checkpoint-unusable",
    place,
    problem,
    cure: "name the folder of a checkpoint, and the base model that it was trained on",
  });
