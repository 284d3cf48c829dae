/** One layer: attention and feed-forward, each with its residual, in either of the two orders. */
import type { Tensor2D } from "@bulkhead/compute";
import { activate, gatedSilu } from "./activation-steps.ts";
import { attend, type HeadNorms, type KeyValueCache, type Parts } from "./attention-steps.ts";
import type { BatchContext } from "./batch-context.ts";
import { type Adapter, linear, type LinearWeights } from "./linear.ts";
import type { ModelShape } from "./model-shape.ts";
import { norm, type NormWeights } from "./norm-steps.ts";
import type { Pass, Stepped } from "./pass.ts";

export interface LayerWeights {
  readonly attentionNorm: NormWeights;
  /** Query, key and value, or the one projection to all three. */
  readonly projections: readonly LinearWeights[];
  readonly headNorms?: HeadNorms;
  readonly output: LinearWeights;
  readonly feedForwardNorm: NormWeights;
  readonly gate?: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

/** Those of a layer, by the projection that they stand beside. */
export type LayerAdapters = ReadonlyMap<LinearWeights, Adapter>;

export interface LayerSetting {
  readonly shape: ModelShape;
  readonly weights: LayerWeights;
  readonly adapters: LayerAdapters;
  readonly context: BatchContext;
  readonly cache?: KeyValueCache;
}

export const block = (pass: Pass, setting: LayerSetting, x: Tensor2D): Stepped =>
  setting.shape.norm.place === "before" ? normBefore(pass, setting, x) : normAfter(pass, setting, x);

const normBefore = (pass: Pass, setting: LayerSetting, x: Tensor2D): Stepped => {
  const { tf } = pass;
  const { weights } = setting;
  const first = norm(pass, weights.attentionNorm, x);
  const attended = attention(pass, setting, first.y);
  const between = tf.add<Tensor2D>(x, attended.y);
  const second = norm(pass, weights.feedForwardNorm, between);
  const fed = feedForward(pass, setting, second.y);
  return {
    y: tf.add(between, fed.y),
    back: (dy) => {
      const dBetween = tf.add<Tensor2D>(dy, second.back(fed.back(dy)));
      return tf.add(dBetween, first.back(attended.back(dBetween)));
    },
  };
};

const normAfter = (pass: Pass, setting: LayerSetting, x: Tensor2D): Stepped => {
  const { tf } = pass;
  const { weights } = setting;
  const attended = attention(pass, setting, x);
  const between = norm(pass, weights.attentionNorm, tf.add<Tensor2D>(x, attended.y));
  const fed = feedForward(pass, setting, between.y);
  const last = norm(pass, weights.feedForwardNorm, tf.add<Tensor2D>(between.y, fed.y));
  return {
    y: last.y,
    back: (dy) => {
      const dFed = last.back(dy);
      const dAttended = between.back(tf.add<Tensor2D>(dFed, fed.back(dFed)));
      return tf.add(dAttended, attended.back(dAttended));
    },
  };
};

const attention = (pass: Pass, setting: LayerSetting, x: Tensor2D): Stepped => {
  const { shape, weights, context, cache } = setting;
  const projected = projectAll(pass, setting, x);
  const attended = attend(
    pass,
    {
      shape,
      context,
      ...(weights.headNorms === undefined ? {} : { headNorms: weights.headNorms }),
      ...(cache === undefined ? {} : { cache }),
    },
    projected.parts,
  );
  const output = project(pass, setting, weights.output, attended.y);
  return { y: output.y, back: (dy) => projected.back(attended.back(output.back(dy))) };
};

const project = (pass: Pass, { adapters }: LayerSetting, weights: LinearWeights, x: Tensor2D): Stepped =>
  linear(pass, weights, adapters.get(weights), x);

interface Projected {
  readonly parts: Parts;
  readonly back: (gradients: Parts) => Tensor2D;
}

const projectAll = (pass: Pass, setting: LayerSetting, x: Tensor2D): Projected => {
  const { tf } = pass;
  const { heads, keyValueHeads, headWidth } = setting.shape;
  const steps = setting.weights.projections.map((weights) => project(pass, setting, weights, x));
  if (steps.length === 1) {
    const sides = [heads, keyValueHeads, keyValueHeads].map((count) => count * headWidth);
    return {
      parts: partsOf(tf.split(steps[0]!.y, sides, 1)),
      back: (gradients) => steps[0]!.back(tf.concat2d([...gradients], 1)),
    };
  }
  return {
    parts: partsOf(steps.map(({ y }) => y)),
    back: (gradients) => {
      const [dq, dk, dv] = gradients.map((gradient, i) => steps[i]!.back(gradient));
      return tf.add(tf.add(dq!, dk!), dv!);
    },
  };
};

const partsOf = ([query, key, value]: readonly Tensor2D[]): Parts => [query!, key!, value!];

const feedForward = (pass: Pass, setting: LayerSetting, x: Tensor2D): Stepped => {
  const { tf } = pass;
  const { weights, shape } = setting;
  const up = project(pass, setting, weights.up, x);
  if (weights.gate === undefined) {
    const active = activate(pass, shape.activation, up.y);
    const down = project(pass, setting, weights.down, active.y);
    return { y: down.y, back: (dy) => up.back(active.back(down.back(dy))) };
  }
  const gate = project(pass, setting, weights.gate, x);
  const product = gatedSilu(pass, gate.y, up.y);
  const down = project(pass, setting, weights.down, product.y);
  return {
    y: down.y,
    back: (dy) => {
      const [dGate, dUp] = product.back(down.back(dy));
      return tf.add(gate.back(dGate), up.back(dUp));
    },
  };
};
