/** Writes on from a prompt, one token after another, with the keys and values of what came before kept. */
import { InputError } from "@bulkhead/base";
import { openKeystream, segmentNonce, type Tensor2D, type TensorFlow } from "@bulkhead/compute";
import { clearCache, type KeyValueCache } from "./attention-steps.ts";
import { type BatchContext, batchContext, disposeContext, nextTokenContext } from "./batch-context.ts";
import { logitsAt } from "./language-loss.ts";
import type { LoadedModel } from "./load-model.ts";
import { embedTokens, runForward } from "./run-layers.ts";
import { sampleToken, type Sampling } from "./sample-token.ts";
import { openVoice, type Speaker, type Voice } from "./speaker.ts";

export interface GenerateOptions extends Sampling {
  readonly mostTokens: number;
  /** Tokens that end the text; they are not given. */
  readonly stop: readonly number[];
  /** 32 bytes; the same seed gives the same text on the same machine and backend. Greedy choice takes none. */
  readonly seed?: Uint8Array;
  readonly onToken?: (id: number) => void;
}

/** The tokens after the prompt. Ends at a stop, at the bound, or where the model's positions end. */
export const generate = async (
  tf: TensorFlow,
  speaker: Speaker,
  prompt: Int32Array,
  options: GenerateOptions,
): Promise<readonly number[]> => {
  checkPrompt("model" in speaker ? speaker.model : speaker.adapted.model, prompt);
  const { model, adapters, free } = openVoice(tf, speaker);
  const caches = model.layers.map((): KeyValueCache => ({ key: undefined, value: undefined }));
  const random = randomOf(options.seed);
  const most = Math.min(options.mostTokens, model.shape.positions - prompt.length);
  const written: number[] = [];
  try {
    let next = prompt;
    while (written.length < most) {
      const past = prompt.length + written.length - next.length;
      const logits = await logitsAfter(tf, { model, adapters, caches }, next, past);
      const id = sampleToken(logits, options, random);
      if (options.stop.includes(id)) break;
      written.push(id);
      options.onToken?.(id);
      next = Int32Array.of(id);
    }
    return written;
  } finally {
    for (const cache of caches) clearCache(cache);
    free();
  }
};

/** Throws an {@link InputError} about a prompt that the model cannot go on from. */
export const checkPrompt = ({ shape, head }: LoadedModel, prompt: Int32Array): void => {
  const problem =
    head === undefined
      ? "the model does not foretell tokens"
      : prompt.length === 0 || prompt.length >= shape.positions
        ? `a prompt has from 1 to ${shape.positions - 1} tokens`
        : prompt.some((id) => id < 0 || id >= shape.vocabulary)
          ? `a token is not below ${shape.vocabulary}`
          : undefined;
  if (problem !== undefined)
    throw new InputError({
      code: "model-unusable",
      place: "the prompt",
      problem,
      cure: "give another prompt",
    });
};

interface Listening extends Omit<Voice, "free"> {
  readonly caches: readonly KeyValueCache[];
}

const logitsAfter = async (
  tf: TensorFlow,
  { model, adapters, caches }: Listening,
  ids: Int32Array,
  past: number,
): Promise<Float32Array> => {
  const logits = tf.tidy((): Tensor2D => {
    const batch = { rows: 1, length: ids.length, lengths: [ids.length], ids };
    const context: BatchContext =
      past === 0
        ? batchContext(tf, model.shape, batch)
        : nextTokenContext(tf, model.shape, { rows: 1, past });
    const run = { model, context, adapters, from: 0, end: model.layers.length };
    const x = runForward(tf, run, embedTokens(tf, model, batch, past), caches);
    const last = logitsAt(tf, model, x, Int32Array.of(ids.length - 1));
    disposeContext(context);
    return last;
  });
  const values = await logits.data<"float32">();
  logits.dispose();
  return values;
};

/** Uniform in 0 … 1, from the keystream of the seed. */
const randomOf = (seed: Uint8Array | undefined): (() => number) => {
  const stream = openKeystream({ key: seed ?? new Uint8Array(32), nonce: segmentNonce(0), offset: 0 });
  return () => new DataView(stream.next(4).buffer).getUint32(0, true) / 2 ** 32;
};
