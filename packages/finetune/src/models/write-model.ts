/** A base model written as a folder in Hugging Face layout, one tensor in memory at a time. */
import { copyFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { CONFIG, TOKENIZER, WEIGHTS } from "../model-files.ts";
import { tokenizerFiles } from "../tokenizer/tokenizer-files.ts";
import type { TensorEntry } from "../weights/open-weights.ts";
import { writeSafetensorsFile, type WrittenType } from "../weights/write-safetensors.ts";
import { type BaseModel, folderOf } from "./open-base-model.ts";

/** New values of a tensor, or those it was given. */
export type ChangeTensor = (name: string, values: Float32Array) => Float32Array;

export interface WrittenModel {
  readonly tensors: number;
  /** Tensors that hold no floats, such as tables of positions that others count out themselves. */
  readonly leftOut: readonly string[];
}

/**
 * Into a folder that is there. The weights come last, so that a folder with weights is whole. A model without a tokenizer
 * is refused with an {@link InputError}, before anything is written.
 */
export const writeModel = async (
  base: BaseModel,
  folder: string,
  type: WrittenType,
  change: ChangeTensor = (_, values) => values,
): Promise<WrittenModel> => {
  await base.openTokenizer();
  const { entries, tensor } = base.named;
  const written = [...entries].filter(([, entry]) => isFloats(entry));
  await writeJson(folder, CONFIG, { ...base.config, ...dtypeOf(base.config, type) });
  await writeTokenizer(base, folder);
  await writeSafetensorsFile(
    path.join(folder, WEIGHTS),
    written.map(([name, { shape }]) => ({
      name,
      shape,
      type,
      values: async () => change(name, await tensor(name, shape)),
    })),
  );
  const leftOut = [...entries].flatMap(([name, entry]) => (isFloats(entry) ? [] : [name]));
  return { tensors: written.length, leftOut };
};

const isFloats = ({ type }: TensorEntry): boolean => !/^(?:BOOL|[UI]\d+)$/u.test(type);

const TORCH_TYPES = { F32: "float32", BF16: "bfloat16", F16: "float16" } as const;

/** The field's name is another one since transformers 5. */
const dtypeOf = (config: BaseModel["config"], type: WrittenType) => ({
  ["dtype" in config ? "dtype" : "torch_dtype"]: TORCH_TYPES[type],
});

const BESIDE = [
  TOKENIZER,
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "generation_config.json",
];

const writeTokenizer = async (base: BaseModel, folder: string): Promise<void> => {
  const { weights, place, shape } = base;
  if (weights.format === "gguf") {
    const files = tokenizerFiles(place, weights.metadata, shape.positions);
    for (const [name, json] of Object.entries(files)) await writeJson(folder, name, json);
    return;
  }
  for (const name of BESIDE) {
    const file = path.join(folderOf(weights), name);
    if (await isFile(file)) await copyFile(file, path.join(folder, name));
  }
};

const isFile = async (file: string): Promise<boolean> => {
  try {
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
};

const writeJson = (folder: string, name: string, json: object): Promise<void> =>
  writeFile(path.join(folder, name), `${JSON.stringify(json, undefined, 2)}\n`);
