/** What an encoder without adapters makes of texts: one direction for each. */
import { type BackendPreference, openBackend } from "@bulkhead/compute";
import { meanDirection } from "./classifier.ts";
import { attentionMask, loadEncoder, runFrozen } from "./encoder.ts";
import { readEncoderConfig, readWeights } from "./model-folder.ts";
import { tokenBatch } from "./prefix-cache.ts";
import { openTokenizer } from "./tokenizer/tokenizer.ts";

export interface TextDirectionsOptions {
  /** Longest input in tokens; what is beyond is cut off. */
  readonly maxTokens: number;
  readonly backend?: BackendPreference;
}

/** The mean of each text's last hidden states, scaled to length 1. Throws an {@link InputError} about the folder. */
export const textDirections = async (
  modelFolder: string,
  texts: readonly string[],
  { maxTokens, backend = "auto" }: TextDirectionsOptions,
): Promise<readonly Float32Array[]> => {
  const config = await readEncoderConfig(modelFolder);
  const tokenize = await openTokenizer(modelFolder, maxTokens);
  const weights = await readWeights(modelFolder);
  const { tf } = await openBackend(backend);
  const encoder = loadEncoder(tf, config, weights);
  try {
    const directions: Float32Array[] = [];
    for (const text of texts) {
      const direction = tf.tidy(() => {
        const batch = tokenBatch([tokenize(text)]);
        const x = runFrozen(tf, encoder, batch, config.layers);
        const shape = { ...batch, heads: config.heads, width: config.width };
        return meanDirection(tf, x, { shape, mask: attentionMask(tf, batch) });
      });
      directions.push(await direction.data<"float32">());
      direction.dispose();
    }
    return directions;
  } finally {
    encoder.dispose();
  }
};
