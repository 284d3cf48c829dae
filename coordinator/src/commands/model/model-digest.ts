/** The digest by which a contract names a model: of all files of a folder that training depends on, or of one GGUF file. */
import fs from "node:fs";
import path from "node:path";
import { InputError } from "@bulkhead/base";
import { languageModelDigest } from "@bulkhead/finetune";

/** A file of weights in safetensors is a part of its folder. Throws an {@link InputError}. */
export const digestOf = async (place: string): Promise<Uint8Array> => {
  if (fs.statSync(place).isDirectory()) return languageModelDigest({ folder: place });
  if (path.basename(place) === "model.safetensors")
    return languageModelDigest({ folder: path.dirname(place) });
  if (place.endsWith(".gguf")) return languageModelDigest({ file: place });
  throw new InputError({
    code: "model-files",
    place,
    problem: "contracts name folders and .gguf files, not a part of a folder",
    cure: "name the folder, or import the model into one",
  });
};
