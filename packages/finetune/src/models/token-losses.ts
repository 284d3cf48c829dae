/** How well a model without adapters foretells one text. */
import type { Tensor2D, TensorFlow } from "@bulkhead/compute";
import { batchContext } from "./batch-context.ts";
import { logitsAt } from "./language-loss.ts";
import type { LoadedModel } from "./load-model.ts";
import { embedTokens, runForward } from "./run-layers.ts";

export interface TokenLosses {
  /** Of each token but the first. */
  readonly losses: Float32Array;
  /** The logits after the last token. */
  readonly last: Float32Array;
}

export const tokenLosses = async (
  tf: TensorFlow,
  model: LoadedModel,
  ids: Int32Array,
): Promise<TokenLosses> => {
  const logits = tf.tidy((): Tensor2D => {
    const batch = { rows: 1, length: ids.length, ids, lengths: [ids.length] };
    const context = batchContext(tf, model.shape, batch);
    const run = { model, context, adapters: new Map(), from: 0, end: model.layers.length };
    const x = runForward(tf, run, embedTokens(tf, model, batch));
    return logitsAt(tf, model, x, Int32Array.from(ids.keys()));
  });
  const values = await logits.data<"float32">();
  logits.dispose();
  const { vocabulary } = model.shape;
  const row = (i: number) => values.subarray(i * vocabulary, (i + 1) * vocabulary);
  return {
    losses: Float32Array.from({ length: ids.length - 1 }, (_, i) => crossEntropyOf(row(i), ids[i + 1]!)),
    last: row(ids.length - 1).slice(),
  };
};

/** In 64 bits. */
const crossEntropyOf = (logits: Float32Array, label: number): number => {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - largest);
  return Math.log(total) + largest - logits[label]!;
};
