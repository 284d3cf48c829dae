/** What a model makes of rows: logits after each token of a decoder with a head, else hidden states; and texts as vectors. */
import type { Tensor2D, TensorFlow } from "@bulkhead/compute";
import { batchContext } from "./batch-context.ts";
import { hiddenAt, logitsAt } from "./language-loss.ts";
import { batchOf, type LanguageRow } from "./language-rows.ts";
import { embedTokens, runForward } from "./run-layers.ts";
import { openVoice, type Speaker, type Voice } from "./speaker.ts";

type Tokens = Pick<LanguageRow, "ids">;

/** Of each row, [its tokens, vocabulary or width]. */
export const runModel = async (
  tf: TensorFlow,
  speaker: Speaker,
  rows: readonly Tokens[],
): Promise<readonly Float32Array[]> => {
  const voice = openVoice(tf, speaker);
  const batch = batchOf(rows.map(({ ids }) => ({ ids, targets: new Uint8Array(ids.length) })));
  const places = rows.flatMap(({ ids }, row) => Array.from(ids, (_, i) => row * batch.length + i));
  const output = tf.tidy(() => {
    const x = lastLayer(tf, voice, batch);
    const at = voice.model.head === undefined ? hiddenAt : logitsAt;
    return at(tf, voice.model, x, Int32Array.from(places));
  });
  voice.free();
  const values = await output.data<"float32">();
  const [, width] = output.shape;
  output.dispose();
  let at = 0;
  return rows.map(({ ids }) => values.slice(at, (at += ids.length * width)));
};

const lastLayer = (
  tf: TensorFlow,
  { model, adapters }: Voice,
  batch: ReturnType<typeof batchOf>,
): Tensor2D => {
  const context = batchContext(tf, model.shape, batch);
  const run = { model, context, adapters, from: 0, end: model.layers.length };
  return runForward(tf, run, embedTokens(tf, model, batch));
};

/** Which hidden states stand for a text: the mean of all, the first ([CLS]) or the last. */
export type Pooling = "mean" | "first" | "last";

/** One vector for each row, of length 1. The model's use is `embedding`. */
export const embedRows = async (
  tf: TensorFlow,
  speaker: Speaker,
  rows: readonly Tokens[],
  pooling: Pooling,
): Promise<readonly Float32Array[]> =>
  (await runModel(tf, speaker, rows)).map((states, i) => {
    const width = states.length / rows[i]!.ids.length;
    return unit(POOLS[pooling](states, width));
  });

const POOLS: Readonly<Record<Pooling, (states: Float32Array, width: number) => Float64Array>> = {
  mean: (states, width) => {
    const sum = new Float64Array(width);
    for (const [i, value] of states.entries()) sum[i % width]! += value;
    return sum;
  },
  first: (states, width) => Float64Array.from(states.subarray(0, width)),
  last: (states, width) => Float64Array.from(states.subarray(states.length - width)),
};

const unit = (vector: Float64Array): Float32Array => {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => value / length);
};
