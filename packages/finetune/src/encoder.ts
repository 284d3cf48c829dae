/**
 * A BERT encoder [DCLT19] on a backend: frozen weights as tensors, arranged for speed. Three factors are moved into the
 * weights, none of which changes the result: 1/√d of the attention into the query, 1/√2 of gelu before and after it.
 */
import type { Tensor2D, Tensor4D, TensorFlow } from "@bulkhead/compute";
import { type AttentionShape, type BatchShape, selfAttention } from "./attention.ts";
import { dense, type Dense, layerNorm, type Norm, scaledGelu } from "./dense.ts";
import type { EncoderConfig, WeightReader } from "./model-folder.ts";

export interface EncoderLayer {
  /** To query, key and value side by side. */
  readonly projection: Dense;
  readonly output: Dense;
  readonly attentionNorm: Norm;
  readonly up: Dense;
  readonly down: Dense;
  readonly outputNorm: Norm;
}

export interface Encoder {
  readonly config: EncoderConfig;
  readonly words: Tensor2D;
  /** Position and first token type added together. */
  readonly positions: Tensor2D;
  readonly embeddingNorm: Norm;
  readonly layers: readonly EncoderLayer[];
  /** Frees the weights. */
  readonly dispose: () => void;
}

/** Token ids of a batch, padded with 0 to the longest. */
export interface TokenBatch extends BatchShape {
  readonly ids: Int32Array;
  readonly lengths: readonly number[];
}

export const loadEncoder = (tf: TensorFlow, config: EncoderConfig, weights: WeightReader): Encoder => {
  const { width, vocabulary, positions } = config;
  const load = { tf, config, weights };
  const words = weights("embeddings.word_embeddings.weight", [vocabulary, width]);
  const tensors = {
    words: tf.tensor2d(words, [vocabulary, width]),
    positions: tf.tensor2d(positionTable(config, weights), [positions, width]),
    embeddingNorm: loadNorm(load, "embeddings.LayerNorm"),
    layers: Array.from({ length: config.layers }, (_, i) => loadLayer(load, `encoder.layer.${i}`)),
  };
  return { config, ...tensors, dispose: () => disposeAll(tensors) };
};

/** Every tensor in a tree of objects. */
const disposeAll = (tree: object): void => {
  for (const value of Object.values(tree)) {
    if (typeof value !== "object" || value === null) continue;
    if ("dispose" in value && typeof value.dispose === "function") value.dispose();
    else disposeAll(value);
  }
};

interface Loading {
  readonly tf: TensorFlow;
  readonly config: EncoderConfig;
  readonly weights: WeightReader;
}

const positionTable = ({ positions, width }: EncoderConfig, weights: WeightReader): Float32Array => {
  const table = weights("embeddings.position_embeddings.weight", [positions, width]);
  const types = weights("embeddings.token_type_embeddings.weight", [2, width]);
  return table.map((value, i) => value + types[i % width]!);
};

const loadNorm = ({ tf, config, weights }: Loading, name: string): Norm => ({
  scale: tf.tensor1d(weights(`${name}.weight`, [config.width])),
  shift: tf.tensor1d(weights(`${name}.bias`, [config.width])),
  epsilon: config.layerNormEpsilon,
});

const loadLayer = (load: Loading, name: string): EncoderLayer => {
  const { width, innerWidth, heads } = load.config;
  const square = { inputs: width, outputs: width };
  return {
    projection: joinDense(load.tf, [
      loadDense(load, `${name}.attention.self.query`, { ...square, factor: attentionScale(width, heads) }),
      loadDense(load, `${name}.attention.self.key`, square),
      loadDense(load, `${name}.attention.self.value`, square),
    ]),
    output: loadDense(load, `${name}.attention.output.dense`, square),
    attentionNorm: loadNorm(load, `${name}.attention.output.LayerNorm`),
    up: loadDense(load, `${name}.intermediate.dense`, {
      inputs: width,
      outputs: innerWidth,
      factor: Math.SQRT1_2,
    }),
    down: loadDense(load, `${name}.output.dense`, {
      inputs: innerWidth,
      outputs: width,
      factor: Math.SQRT1_2,
      factorOfBias: 1,
    }),
    outputNorm: loadNorm(load, `${name}.output.LayerNorm`),
  };
};

/** What the scores are multiplied by. */
export const attentionScale = (width: number, heads: number): number => 1 / Math.sqrt(width / heads);

interface DenseShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly factor?: number;
  readonly factorOfBias?: number;
}

/** Files hold [out, in]. */
const loadDense = (
  { tf, weights }: Loading,
  name: string,
  { inputs, outputs, factor = 1, factorOfBias = factor }: DenseShape,
): Dense => {
  const kernel = weights(`${name}.weight`, [outputs, inputs]);
  const bias = weights(`${name}.bias`, [outputs]);
  return {
    kernel: tf.tidy(() => tf.transpose(tf.mul(tf.tensor2d(kernel, [outputs, inputs]), factor))),
    bias: tf.tidy(() => tf.mul(tf.tensor1d(bias), factorOfBias)),
  };
};

const joinDense = (tf: TensorFlow, parts: readonly Dense[]): Dense => {
  const kernel = tf.concat(
    parts.map((part) => part.kernel),
    1,
  );
  const bias = tf.concat(parts.map((part) => part.bias));
  tf.dispose(parts.flatMap((part) => [part.kernel, part.bias]));
  return { kernel, bias };
};

/** Word, position and type, normalised: [rows · length, width]. */
const embed = (tf: TensorFlow, encoder: Encoder, { ids, rows, length }: TokenBatch): Tensor2D => {
  const { width } = encoder.config;
  const words = tf.gather(encoder.words, tf.tensor1d(ids, "int32"));
  const positions = tf.slice(encoder.positions, [0, 0], [length, width]);
  const sum = tf.add(tf.reshape(words, [rows, length, width]), positions);
  return layerNorm(tf, encoder.embeddingNorm)(tf.reshape(sum, [rows * length, width]));
};

/** Far below every score, so that its exponential is exactly 0. */
const PADDING = -1e9;

/** [rows, 1, 1, length]: what is added to the scores. */
export const attentionMask = (
  tf: TensorFlow,
  { rows, length, lengths }: Pick<TokenBatch, "rows" | "length" | "lengths">,
): Tensor4D => {
  const values = Float32Array.from({ length: rows * length }, (_, i) =>
    i % length < lengths[Math.floor(i / length)]! ? 0 : PADDING,
  );
  return tf.tensor4d(values, [rows, 1, 1, length]);
};

/** The layer's part after the projection: attention, feed-forward, both with residual and normalisation. */
export const finishLayer = (
  tf: TensorFlow,
  layer: EncoderLayer,
  { x, projected }: { readonly x: Tensor2D; readonly projected: Tensor2D },
  { shape, mask }: { readonly shape: AttentionShape; readonly mask: Tensor4D },
): Tensor2D => {
  const context = selfAttention(tf, shape, mask)(projected);
  const attended = layerNorm(tf, layer.attentionNorm)(tf.add(x, dense(tf, layer.output)(context)));
  const inner = scaledGelu(tf)(dense(tf, layer.up)(attended));
  return layerNorm(tf, layer.outputNorm)(tf.add(attended, dense(tf, layer.down)(inner)));
};

/** The layers below `end` without adapters, on token ids: [rows · length, width]. */
export const runFrozen = (tf: TensorFlow, encoder: Encoder, batch: TokenBatch, end: number): Tensor2D =>
  tf.tidy(() => {
    const { width, heads } = encoder.config;
    const mask = attentionMask(tf, batch);
    const shape = { rows: batch.rows, length: batch.length, heads, width };
    let x = embed(tf, encoder, batch);
    for (const layer of encoder.layers.slice(0, end))
      x = finishLayer(tf, layer, { x, projected: dense(tf, layer.projection)(x) }, { shape, mask });
    return x;
  });
