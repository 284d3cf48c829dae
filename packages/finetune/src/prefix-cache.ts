/**
 * What the frozen layers give for a text, kept so that it is computed once. It costs 4 bytes for each token and unit of
 * width: 98 KB for 64 tokens at width 384. When the bound is reached, what came first stays and the rest is computed
 * each time: rows come round in random order, and dropping the oldest would drop each row before its next turn.
 */
import type { TensorFlow } from "@bulkhead/compute";
import { type Encoder, runFrozen, type TokenBatch } from "./encoder.ts";
import type { Tokenize } from "./tokenizer.ts";

export interface Activations {
  /** [length, width]. */
  readonly values: Float32Array;
  /** In tokens. */
  readonly length: number;
}

export interface PrefixCache {
  /** Of each text, in order. */
  readonly of: (texts: readonly string[]) => Promise<readonly Activations[]>;
}

export interface Prefix {
  readonly tf: TensorFlow;
  readonly encoder: Encoder;
  readonly tokenize: Tokenize;
  /** The first layer that is not frozen. */
  readonly end: number;
  /** Bound on the activations kept. */
  readonly mostBytes: number;
  /** Texts that run through the frozen layers at once. */
  readonly batch: number;
}

/**
 * With a batch of one, what a text gives does not depend on what was asked for beside it: the last bits of a product
 * depend on how many rows it has, and a round could not be trained again after a restart otherwise.
 */
export const openPrefixCache = (prefix: Prefix): PrefixCache => {
  const kept = new Map<string, Activations>();
  let bytes = 0;
  const keep = (text: string, activations: Activations): void => {
    const { byteLength } = activations.values;
    if (kept.has(text) || bytes + byteLength > prefix.mostBytes) return;
    bytes += byteLength;
    kept.set(text, activations);
  };
  const of: PrefixCache["of"] = async (texts) => {
    const missing = [...new Set(texts)].filter((text) => !kept.has(text));
    const fresh = new Map<string, Activations>();
    for (let at = 0; at < missing.length; at += prefix.batch) {
      const batch = missing.slice(at, at + prefix.batch);
      for (const [i, activations] of (await compute(prefix, batch)).entries()) {
        fresh.set(batch[i]!, activations);
        keep(batch[i]!, activations);
      }
    }
    return texts.map((text) => kept.get(text) ?? fresh.get(text)!);
  };
  return { of };
};

const compute = async (
  { tf, encoder, tokenize, end }: Prefix,
  texts: readonly string[],
): Promise<readonly Activations[]> => {
  const batch = tokenBatch(texts.map(tokenize));
  const x = runFrozen(tf, encoder, batch, end);
  const values = await x.data<"float32">();
  x.dispose();
  const { width } = encoder.config;
  return batch.lengths.map((length, row) => {
    const start = row * batch.length * width;
    return { length, values: values.slice(start, start + length * width) };
  });
};

/** Padded with 0 to the longest. */
export const tokenBatch = (texts: readonly Int32Array[]): TokenBatch => {
  const lengths = texts.map(({ length }) => length);
  const length = Math.max(...lengths);
  const ids = new Int32Array(texts.length * length);
  for (const [row, text] of texts.entries()) ids.set(text, row * length);
  return { ids, rows: texts.length, length, lengths };
};

/** The activations as one padded tensor's values, [rows · length, width]. */
export const padded = (rows: readonly Activations[], width: number) => {
  const lengths = rows.map(({ length }) => length);
  const length = Math.max(...lengths);
  const values = new Float32Array(rows.length * length * width);
  for (const [row, activations] of rows.entries()) values.set(activations.values, row * length * width);
  return { values, rows: rows.length, length, lengths };
};
