/** The adapter of a checkpoint, read back as PEFT's layout has it. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  floatsOf,
  type LoraPlan,
  type ModelShape,
  readPeftAdapter,
  readSafetensors,
} from "@bulkhead/finetune";

/** Throws an {@link InputError} where it does not fit the model. */
export const readAdapter = async (
  folder: string,
  shape: ModelShape,
): Promise<{ readonly plan: LoraPlan; readonly trained: Float32Array }> => {
  const place = path.join(folder, "adapter_model.safetensors");
  const stored = readSafetensors(await readFile(place), place);
  const config: unknown = JSON.parse(await readFile(path.join(folder, "adapter_config.json"), "utf8"));
  return readPeftAdapter(shape, "language-model", {
    config: { ...Object(config) },
    place,
    names: [...stored.keys()],
    tensor: (name) => {
      const tensor = stored.get(name);
      const values = tensor && floatsOf(tensor);
      return tensor && values && { shape: tensor.shape, values };
    },
  });
};
