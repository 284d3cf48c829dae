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
}

export const openPrefixCache = (prefix: Prefix): PrefixCache => {
  const kept = new Map<string, Activations>();
  let bytes = 0;
  const activationsOf = async (text: string): Promise<Activations> => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const activations = await compute(prefix, text);
    const { byteLength } = activations.values;
    if (!kept.has(text) && bytes + byteLength <= prefix.mostBytes) {
      bytes += byteLength;
      kept.set(text, activations);
    }
    return activations;
  };
  const of: PrefixCache["of"] = async (texts) => {
    const found = new Map<string, Activations>();
    for (const text of new Set(texts)) found.set(text, await activationsOf(text));
    return texts.map((text) => found.get(text)!);
  };
  return { of };
};

/**
 * One text at a time: the last bits of a product depend on how many rows it has, and what a text gives must not depend
 * on what was asked for beside it, or a round could not be trained again after a restart. It costs a third more.
 */
const compute = async ({ tf, encoder, tokenize, end }: Prefix, text: string): Promise<Activations> => {
  const batch = tokenBatch(tokenize(text));
  const x = runFrozen(tf, encoder, batch, end);
  const values = await x.data<"float32">();
  x.dispose();
  return { values, length: batch.length };
};

/** One text's tokens as a batch. */
export const tokenBatch = (ids: Int32Array): TokenBatch => ({
  ids,
  rows: 1,
  length: ids.length,
  lengths: [ids.length],
});

/** The activations as one padded tensor's values, [rows · length, width]. */
export const padded = (rows: readonly Activations[], width: number) => {
  const lengths = rows.map(({ length }) => length);
  const length = Math.max(...lengths);
  const values = new Float32Array(rows.length * length * width);
  for (const [row, activations] of rows.entries()) values.set(activations.values, row * length * width);
  return { values, rows: rows.length, length, lengths };
};
