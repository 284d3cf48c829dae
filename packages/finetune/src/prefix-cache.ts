/**
 * What the frozen layers give for a text, kept so that it is computed once. It costs 4 bytes for each token and unit of
 * width: 98 KB for 64 tokens at width 384.
 */
import type { TensorFlow } from "@bulkhead/compute";
import { type Encoder, runFrozen, type TokenBatch } from "./encoder.ts";
import type { Tokenize } from "./tokenizer/tokenizer.ts";

export interface Activations {
  /** [length, width]. */
  readonly values: Float32Array;
  /** In tokens. */
  readonly length: number;
}

/** A text and the name under which its activations are kept. */
export interface NamedText {
  readonly name: string;
  readonly text: string;
}

export interface ActivationStore {
  readonly get: (named: NamedText) => Activations | undefined;
  /** It may decline. */
  readonly keep: (named: NamedText, activations: Activations) => void;
}

/**
 * A store in memory. When the bound is reached, what came first stays: rows come round in random order, and dropping the
 * oldest would drop each row before its next turn.
 */
export const memoryStore = (mostBytes: number): ActivationStore => {
  const kept = new Map<string, Activations>();
  let bytes = 0;
  return {
    get: ({ name }) => kept.get(name),
    keep: ({ name }, activations) => {
      const { byteLength } = activations.values;
      if (kept.has(name) || bytes + byteLength > mostBytes) return;
      bytes += byteLength;
      kept.set(name, activations);
    },
  };
};

export interface Prefix {
  readonly tf: TensorFlow;
  readonly encoder: Encoder;
  readonly tokenize: Tokenize;
  /** The first layer that is not frozen. */
  readonly end: number;
}

/**
 * Of each text, in order. `batchOf` says in which company a text that is missing runs through the layers, itself
 * included: the last bits of a product depend on its rows, so that whoever must get the same again asks for the same
 * company again.
 */
export const activationsOf = async (
  prefix: Prefix,
  store: ActivationStore,
  asked: readonly NamedText[],
  batchOf: (missing: NamedText) => readonly NamedText[],
): Promise<readonly Activations[]> => {
  const found = new Map<string, Activations>();
  for (const named of asked) {
    if (found.has(named.name)) continue;
    const kept = store.get(named);
    if (kept !== undefined) found.set(named.name, kept);
    else
      for (const [fresh, activations] of await run(prefix, batchOf(named))) {
        found.set(fresh.name, activations);
        store.keep(fresh, activations);
      }
  }
  return asked.map(({ name }) => found.get(name)!);
};

const run = async (prefix: Prefix, batch: readonly NamedText[]) => {
  const activations = await compute(
    prefix,
    batch.map(({ text }) => text),
  );
  return batch.map((named, i) => [named, activations[i]!] as const);
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
