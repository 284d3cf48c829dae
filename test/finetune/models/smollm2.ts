/** The SmolLM2 file in `.cache/smollm2`, read by the plain reader, as weights under Hugging Face names. */
import fs from "node:fs";
import path from "node:path";
import { type ModelWeights, nameOfGguf, shapeOfConfig } from "@bulkhead/finetune";
import { inHalves, readPlainGguf } from "../../reference/read-gguf.ts";

const FOLDER = path.join(import.meta.dirname, "..", "..", "..", ".cache", "smollm2");

export const smolLm2File = fs.existsSync(FOLDER)
  ? fs
      .readdirSync(FOLDER)
      .filter((name) => name.endsWith(".gguf"))
      .map((name) => path.join(FOLDER, name))[0]
  : undefined;

export const SMOLLM2 = shapeOfConfig(
  {
    model_type: "llama",
    hidden_act: "silu",
    num_hidden_layers: 30,
    hidden_size: 576,
    num_attention_heads: 9,
    num_key_value_heads: 3,
    intermediate_size: 1536,
    vocab_size: 49_152,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    rope_theta: 100_000,
    tie_word_embeddings: true,
  },
  "SmolLM2",
);

export const smolLm2Weights = (file: string): ModelWeights => {
  const tensors = readPlainGguf(fs.readFileSync(file));
  const names = new Map([...tensors.keys()].map((name) => [nameOfGguf(SMOLLM2, name), name]));
  return async (name, shape) => {
    const stored = names.get(name);
    const tensor = stored === undefined ? undefined : tensors.get(stored);
    if (tensor?.shape.join() !== shape.join()) throw new Error(`no ${name} of ${shape.join()}`);
    if (name.endsWith("q_proj.weight")) return inHalves(tensor.values(), 9, shape);
    return name.endsWith("k_proj.weight") ? inHalves(tensor.values(), 3, shape) : tensor.values();
  };
};
