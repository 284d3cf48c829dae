/**
 * What all layers of one batch share: the angles of its positions and who sees whom. Made once, laid out so that no layer
 * has to broadcast anything large.
 */
import type { Tensor, Tensor4D, TensorFlow } from "@bulkhead/compute";
import type { ModelShape } from "./model-shape.ts";
import { rotaryFrequencies, rotaryTables } from "./rope.ts";

/** Rows of token ids, padded at the end to one length. */
export interface TokenRows {
  readonly rows: number;
  readonly length: number;
  /** [rows · length]. */
  readonly ids: Int32Array;
  /** Tokens of each row without its padding. */
  readonly lengths: readonly number[];
  /**
   * [rows · length]: several short texts may share a row, each with a number of its own; a token sees those of its text
   * alone, and positions count from the start of each.
   */
  readonly segments?: Int32Array;
}

export interface BatchContext {
  readonly rows: number;
  /** Tokens of a row that are computed, and how many came before them. */
  readonly length: number;
  readonly past: number;
  /**
   * [length, headWidth], or one for each row in front; `undefined` where positions are learned. The fourth root of the
   * headWidth is divided out of both, so that the products of queries and keys come out scaled.
   */
  readonly rotary: { readonly cosine: Tensor; readonly sine: Tensor } | undefined;
  /** Added to the scores, which are [rows, keyValueHeads, group · length, past + length]. */
  readonly mask: Tensor | undefined;
}

type Batch = Pick<TokenRows, "rows" | "length" | "lengths" | "segments">;

export const batchContext = (tf: TensorFlow, shape: ModelShape, batch: Batch): BatchContext => ({
  rows: batch.rows,
  length: batch.length,
  past: 0,
  rotary: rotaryOf(tf, shape, batch),
  mask: maskOf(tf, shape, batch),
});

export const disposeContext = ({ rotary, mask }: BatchContext): void => {
  rotary?.cosine.dispose();
  rotary?.sine.dispose();
  mask?.dispose();
};

/** For one more token of each row, behind `past` others; no row has padding. */
export const nextTokenContext = (
  tf: TensorFlow,
  shape: ModelShape,
  { rows, past }: { readonly rows: number; readonly past: number },
): BatchContext => {
  const hidden = shape.window === undefined ? 0 : Math.max(0, past + 1 - shape.window);
  const row = Float32Array.from({ length: past + 1 }, (_, key) => (key < hidden ? HIDDEN : 0));
  return {
    rows,
    length: 1,
    past,
    rotary: tablesAt(tf, shape, [past], [1]),
    mask: hidden === 0 ? undefined : tf.tensor1d(row),
  };
};

/** [rows · length]: the position of each token in its text. */
export const positionsOf = ({ rows, length, segments }: Batch): Int32Array => {
  const positions = new Int32Array(rows * length);
  for (let i = 0; i < positions.length; i++) {
    const starts = i % length === 0 || (segments !== undefined && segments[i] !== segments[i - 1]);
    positions[i] = starts ? 0 : positions[i - 1]! + 1;
  }
  return positions;
};

const rotaryOf = (tf: TensorFlow, shape: ModelShape, batch: Batch) =>
  batch.segments === undefined
    ? tablesAt(
        tf,
        shape,
        Array.from({ length: batch.length }, (_, i) => i),
        [batch.length],
      )
    : tablesAt(tf, shape, positionsOf(batch), [batch.rows, 1, batch.length]);

const tablesAt = (
  tf: TensorFlow,
  { position, headWidth }: ModelShape,
  positions: ArrayLike<number>,
  sides: readonly number[],
) => {
  if (position.type !== "rotary") return undefined;
  const frequencies = rotaryFrequencies(headWidth, position.base, position.scaling);
  const { cosine, sine } = rotaryTables(frequencies, positions);
  const scale = headWidth ** -0.25;
  const table = (values: Float32Array) =>
    tf.tensor(
      values.map((value) => value * scale),
      [...sides, headWidth],
    );
  return { cosine: table(cosine), sine: table(sine) };
};

/** Far below every score, so that its exponential is exactly 0. */
const HIDDEN = -1e9;

/**
 * Padding stands at the end, where a causal model's tokens do not look; without segments all its rows so share one mask.
 */
const maskOf = (tf: TensorFlow, shape: ModelShape, batch: Batch): Tensor | undefined => {
  const { rows, length, lengths, segments } = batch;
  const group = shape.heads / shape.keyValueHeads;
  if (!shape.causal && segments === undefined) {
    if (lengths.every((each) => each === length)) return undefined;
    const values = Float32Array.from({ length: rows * length }, (_, i) =>
      i % length < lengths[Math.floor(i / length)]! ? 0 : HIDDEN,
    );
    return tf.tensor4d(values, [rows, 1, 1, length]);
  }
  const masks = segments === undefined ? 1 : rows;
  const values = new Float32Array(masks * length * length);
  for (let row = 0; row < masks; row++)
    for (let query = 0; query < length; query++)
      for (let key = 0; key < length; key++)
        if (!sees(shape, batch, { row, query, key })) values[(row * length + query) * length + key] = HIDDEN;
  return tf.tidy(() => tf.tile<Tensor4D>(tf.tensor4d(values, [masks, 1, length, length]), [1, 1, group, 1]));
};

interface Pair {
  readonly row: number;
  readonly query: number;
  readonly key: number;
}

const sees = (
  { causal, window = Number.POSITIVE_INFINITY }: ModelShape,
  { length, lengths, segments }: Batch,
  { row, query, key }: Pair,
): boolean => {
  if (causal && (key > query || query - key >= window)) return false;
  if (segments === undefined) return true;
  // A padded token sees itself, so that its row of scores has a largest one.
  if (key === query) return true;
  return key < lengths[row]! && segments[row * length + query] === segments[row * length + key];
};
