/** Self-attention with grouped queries [ALJ+23], from what is normalised to the context, as one step. */
import type { Tensor2D, Tensor4D } from "@bulkhead/compute";
import type { BatchContext } from "./batch-context.ts";
import type { ModelShape } from "./model-shape.ts";
import { norm, type NormWeights } from "./norm-steps.ts";
import type { Pass, Stepped } from "./pass.ts";

export interface HeadNorms {
  readonly query: NormWeights;
  readonly key: NormWeights;
}

/** Keys and values of the tokens so far, [rows, keyValueHeads, tokens, headWidth] each. */
export interface KeyValueCache {
  key: Tensor4D | undefined;
  value: Tensor4D | undefined;
}

export interface AttentionSetting {
  readonly shape: ModelShape;
  readonly context: BatchContext;
  readonly headNorms?: HeadNorms | undefined;
  /** Of this layer; only for passes whose way back nobody takes. */
  readonly cache?: KeyValueCache;
}

export type Parts = readonly [query: Tensor2D, key: Tensor2D, value: Tensor2D];

/** Heads side by side in each part: [rows · length, heads · headWidth]. */
export const attend = (
  pass: Pass,
  setting: AttentionSetting,
  parts: Parts,
): { readonly y: Tensor2D; readonly back: (dy: Tensor2D) => Parts } => {
  const { tf, keep } = pass;
  const { shape, context } = setting;
  const placed = placeHeads(pass, setting, parts);
  const q = keep(grouped(tf, placed.query, setting));
  const value = toHeads(pass, context, parts[2], shape.keyValueHeads);
  const [k, v] = remembered(pass, setting, placed.key, value);
  keep(k);
  keep(v);
  const scores = tf.matMul<Tensor4D>(q, k, false, true);
  const p = keep(tf.softmax<Tensor4D>(context.mask === undefined ? scores : tf.add(scores, context.mask)));
  return {
    y: fromHeads(pass, context, ungrouped(tf, tf.matMul(p, v), setting)),
    back: (dy) => {
      const dContext = grouped(tf, toHeads(pass, context, dy, shape.heads), setting);
      const dp = tf.matMul<Tensor4D>(dContext, v, false, true);
      const pdp = tf.mul<Tensor4D>(p, dp);
      const ds = tf.sub<Tensor4D>(pdp, tf.mul(p, tf.sum(pdp, -1, true)));
      const [dq, dk] = placed.back(ungrouped(tf, tf.matMul(ds, k), setting), tf.matMul(ds, q, true, false));
      return [dq, dk, fromHeads(pass, context, tf.matMul(p, dContext, true, false))];
    },
  };
};

interface PlacedHeads {
  /** [rows, heads, length, headWidth], so scaled that its products with the keys are the scores. */
  readonly query: Tensor4D;
  /** [rows, keyValueHeads, length, headWidth]. */
  readonly key: Tensor4D;
  readonly back: (dQuery: Tensor4D, dKey: Tensor4D) => readonly [Tensor2D, Tensor2D];
}

/** Normalised head by head where the model does that, and rotated. */
const placeHeads = (pass: Pass, setting: AttentionSetting, [query, key]: Parts): PlacedHeads => {
  const { shape, headNorms, context } = setting;
  if (headNorms === undefined)
    return context.rotary === undefined
      ? scaledHeads(pass, setting, query, key)
      : rotatedHeads(pass, setting, query, key);
  const [q, k] = [
    normOfHeads(pass, shape, headNorms.query, query),
    normOfHeads(pass, shape, headNorms.key, key),
  ];
  const placed = placeHeads(pass, { ...setting, headNorms: undefined }, [q.y, k.y, k.y]);
  return {
    ...placed,
    back: (dQuery, dKey) => {
      const [dq, dk] = placed.back(dQuery, dKey);
      return [q.back(dq), k.back(dk)];
    },
  };
};

const scaledHeads = (
  pass: Pass,
  { shape, context }: AttentionSetting,
  query: Tensor2D,
  key: Tensor2D,
): PlacedHeads => {
  const { tf } = pass;
  const scale = 1 / Math.sqrt(shape.headWidth);
  return {
    query: toHeads(pass, context, tf.mul<Tensor2D>(query, scale), shape.heads),
    key: toHeads(pass, context, key, shape.keyValueHeads),
    back: (dQuery, dKey) => [
      tf.mul<Tensor2D>(fromHeads(pass, context, dQuery), scale),
      fromHeads(pass, context, dKey),
    ],
  };
};

/** Queries and keys turn by the same angles, and so together: half as many kernels. */
const rotatedHeads = (
  pass: Pass,
  { shape, context }: AttentionSetting,
  query: Tensor2D,
  key: Tensor2D,
): PlacedHeads => {
  const { tf } = pass;
  const { heads, keyValueHeads, headWidth } = shape;
  const sides = [heads, keyValueHeads];
  const joint = toHeads(pass, context, tf.concat2d([query, key], 1), heads + keyValueHeads);
  const [q, k] = tf.split<Tensor4D>(rotate(pass, context, joint), sides, 1);
  return {
    query: q!,
    key: k!,
    back: (dQuery, dKey) => {
      const turned = rotateBack(pass, context, tf.concat<Tensor4D>([dQuery, dKey], 1));
      const widths = sides.map((count) => count * headWidth);
      const [dq, dk] = tf.split<Tensor2D>(fromHeads(pass, context, turned), widths, 1);
      return [dq!, dk!];
    },
  };
};

const normOfHeads = (pass: Pass, { headWidth }: ModelShape, weights: NormWeights, x: Tensor2D): Stepped => {
  const { tf } = pass;
  const step = norm(pass, weights, tf.reshape(x, [-1, headWidth]));
  return {
    y: tf.reshape(step.y, x.shape),
    back: (dy) => tf.reshape(step.back(tf.reshape(dy, [-1, headWidth])), x.shape),
  };
};

const toHeads = ({ tf }: Pass, { rows, length }: BatchContext, x: Tensor2D, heads: number): Tensor4D =>
  tf.transpose<Tensor4D>(tf.reshape(x, [rows, length, heads, x.shape[1] / heads]), [0, 2, 1, 3]);

const fromHeads = ({ tf }: Pass, { rows, length }: BatchContext, x: Tensor4D): Tensor2D =>
  tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [rows * length, x.shape[1] * x.shape[3]]);

/** Queries that share a key stand below one another, so that no key has to be repeated. */
const grouped = (tf: Pass["tf"], x: Tensor4D, { shape, context }: AttentionSetting): Tensor4D =>
  tf.reshape(x, [context.rows, shape.keyValueHeads, -1, shape.headWidth]);

const ungrouped = (tf: Pass["tf"], x: Tensor4D, { shape, context }: AttentionSetting): Tensor4D =>
  tf.reshape(x, [context.rows, shape.heads, context.length, shape.headWidth]);

/** x · cosine + halvesSwapped(x) · sine, whose first half is negative. */
const rotate = ({ tf }: Pass, { rotary }: BatchContext, x: Tensor4D): Tensor4D =>
  rotary === undefined
    ? x
    : tf.add<Tensor4D>(tf.mul(x, rotary.cosine), tf.mul(halvesSwapped(tf, x), rotary.sine));

const rotateBack = ({ tf }: Pass, { rotary }: BatchContext, dy: Tensor4D): Tensor4D =>
  rotary === undefined
    ? dy
    : tf.add<Tensor4D>(tf.mul(dy, rotary.cosine), halvesSwapped(tf, tf.mul<Tensor4D>(dy, rotary.sine)));

const halvesSwapped = (tf: Pass["tf"], x: Tensor4D): Tensor4D => {
  const [first, second] = tf.split<Tensor4D>(x, 2, 3);
  return tf.concat<Tensor4D>([second!, first!], 3);
};

/** With the keys and values of earlier tokens before them, where there is a cache; which then holds these too. */
const remembered = (
  { tf }: Pass,
  { cache }: AttentionSetting,
  key: Tensor4D,
  value: Tensor4D,
): readonly [Tensor4D, Tensor4D] => {
  if (cache === undefined) return [key, value];
  const joined = (old: Tensor4D | undefined, fresh: Tensor4D): Tensor4D => {
    const all = old === undefined ? tf.clone(fresh) : tf.concat<Tensor4D>([old, fresh], 2);
    old?.dispose();
    return tf.keep(all);
  };
  cache.key = joined(cache.key, key);
  cache.value = joined(cache.value, value);
  return [cache.key, cache.value];
};

/** Frees what a cache holds. */
export const clearCache = (cache: KeyValueCache): void => {
  cache.key?.dispose();
  cache.value?.dispose();
  cache.key = undefined;
  cache.value = undefined;
};
