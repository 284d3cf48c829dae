/**
 * What the frozen layers give for a text, kept so that it is computed once. It costs 4 bytes for each token and unit of
 * width: 98 KB for 64 tokens at width 384.
 */
import type { Tensor2D, TensorFlow } from "@bulkhead/compute";
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

/** What is kept under a name: a text, or a row of tokens. */
export interface Named {
  readonly name: string;
}

export interface ActivationStore<N extends Named = NamedText> {
  readonly get: (named: N) => Activations | undefined;
  /** It may decline. */
  readonly keep: (named: N, activations: Activations) => void;
}

/**
 * A store in memory. When the bound is reached, what came first stays: rows come round in random order, and dropping the
 * oldest would drop each row before its next turn.
 */
export const memoryStore = (mostBytes: number): ActivationStore<Named> => {
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

/** What the frozen layers give for each of a batch. */
export type RunFrozen<N extends Named> = (batch: readonly N[]) => Promise<readonly Activations[]>;

/**
 * Of each that is asked for, in order. `batchOf` says in which company one that is missing runs through the layers, itself
 * included: the last bits of a product depend on its rows, so that whoever must get the same again asks for the same
 * company again.
 */
export const activationsOf = async <N extends Named>(
  run: RunFrozen<N>,
  store: ActivationStore<N>,
  asked: readonly N[],
  batchOf: (missing: N) => readonly N[],
): Promise<readonly Activations[]> => {
  const found = new Map<string, Activations>();
  for (const named of asked) {
    if (found.has(named.name)) continue;
    const kept = store.get(named);
    if (kept !== undefined) {
      found.set(named.name, kept);
      continue;
    }
    const batch = batchOf(named);
    const activations = await run(batch);
    for (const [i, fresh] of batch.entries()) {
      found.set(fresh.name, activations[i]!);
      store.keep(fresh, activations[i]!);
    }
  }
  return asked.map(({ name }) => found.get(name)!);
};

/** The layers of an encoder on texts. */
export const textPrefix =
  ({ tf, encoder, tokenize, end }: Prefix): RunFrozen<NamedText> =>
  (texts) => {
    const batch = tokenBatch(texts.map(({ text }) => tokenize(text)));
    return rowsOf(runFrozen(tf, encoder, batch, end), batch);
  };

/** Each row's part of [rows · length, width] without its padding; disposes of the tensor. */
export const rowsOf = async (
  x: Tensor2D,
  { length, lengths }: Pick<TokenBatch, "length" | "lengths">,
): Promise<readonly Activations[]> => {
  const values = await x.data<"float32">();
  const [, width] = x.shape;
  x.dispose();
  return lengths.map((own, row) => {
    const start = row * length * width;
    return { length: own, values: values.slice(start, start + own * width) };
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
