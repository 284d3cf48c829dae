/** The frozen weights of a model as tensors, as they stand in files: nothing is transposed or copied on the way. */
import type { Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";
import type { LayerWeights } from "./block.ts";
import type { LinearWeights } from "./linear.ts";
import type { ModelShape, ModelUse } from "./model-shape.ts";
import type { NormWeights } from "./norm-steps.ts";
import { type TensorNames, tensorNames } from "./tensor-names.ts";

/** Gives the values of a tensor, by its Hugging Face name, that must be there with this shape; rejects with an {@link InputError}. */
export type ModelWeights = (name: string, shape: readonly number[]) => Promise<Float32Array>;

export interface LoadedModel {
  readonly shape: ModelShape;
  readonly use: ModelUse;
  readonly words: Tensor2D;
  /** Learned positions, the first token type added; row i stands for position i. */
  readonly positions?: Tensor2D;
  readonly embeddingNorm?: NormWeights;
  readonly layers: readonly LayerWeights[];
  readonly finalNorm?: NormWeights;
  /** [vocabulary, width]: the table of words itself where they are tied. */
  readonly head?: Tensor2D;
  /** Frees the weights. */
  readonly dispose: () => void;
}

/** One tensor at a time: beside the weights there is never more than one of them in memory. */
export const loadModel = async (
  tf: TensorFlow,
  shape: ModelShape,
  use: ModelUse,
  weights: ModelWeights,
): Promise<LoadedModel> => {
  const names = tensorNames(shape.family, use);
  const owned: { dispose: () => void }[] = [];
  const load: Loading = { tf, shape, names, weights, own: (tensor) => (owned.push(tensor), tensor) };
  const dispose = () => {
    for (const tensor of owned) tensor.dispose();
  };
  try {
    return { shape, use, ...(await loadAll(load, use)), dispose };
  } catch (error) {
    dispose();
    throw error;
  }
};

interface Loading {
  readonly tf: TensorFlow;
  readonly shape: ModelShape;
  readonly names: TensorNames;
  readonly weights: ModelWeights;
  readonly own: <T extends { dispose: () => void }>(tensor: T) => T;
}

const loadAll = async (load: Loading, use: ModelUse) => {
  const { shape, names } = load;
  const { prefix } = names;
  const words = await matrix(load, `${prefix}${names.words}.weight`, [shape.vocabulary, shape.width]);
  const positions = await loadPositions(load);
  const norms = {
    embeddingNorm: names.embeddingNorm && (await loadNorm(load, prefix + names.embeddingNorm, shape.width)),
    finalNorm: names.finalNorm && (await loadNorm(load, prefix + names.finalNorm, shape.width)),
  };
  const layers: LayerWeights[] = [];
  for (let i = 0; i < shape.layers; i++) layers.push(await loadLayer(load, `${prefix}${names.layers}.${i}.`));
  const hasHead = use === "language-model" && names.head !== undefined;
  const head =
    hasHead && !shape.tiedHead
      ? await matrix(load, `${names.head}.weight`, [shape.vocabulary, shape.width])
      : words;
  return {
    words,
    layers,
    ...(positions === undefined ? {} : { positions }),
    ...(norms.embeddingNorm ? { embeddingNorm: norms.embeddingNorm } : {}),
    ...(norms.finalNorm ? { finalNorm: norms.finalNorm } : {}),
    ...(hasHead ? { head } : {}),
  };
};

const vector = async ({ tf, weights, own }: Loading, name: string, length: number): Promise<Tensor1D> =>
  own(tf.tensor1d(await weights(name, [length])));

const matrix = async (
  { tf, weights, own }: Loading,
  name: string,
  shape: [number, number],
): Promise<Tensor2D> => own(tf.tensor2d(await weights(name, shape), shape));

const loadPositions = async (load: Loading): Promise<Tensor2D | undefined> => {
  const { tf, shape, names, weights, own } = load;
  const { position, positions, width, tokenTypes } = shape;
  if (position.type !== "learned" || names.positions === undefined) return undefined;
  const rows = positions + position.offset;
  const table = await weights(`${names.prefix}${names.positions}.weight`, [rows, width]);
  const used = table.slice(position.offset * width);
  if (names.types !== undefined) {
    const types = await weights(`${names.prefix}${names.types}.weight`, [tokenTypes, width]);
    for (let i = 0; i < used.length; i++) used[i]! += types[i % width]!;
  }
  return own(tf.tensor2d(used, [positions, width]));
};

const loadNorm = async (load: Loading, name: string, length: number): Promise<NormWeights> => ({
  scale: load.own(
    load.tf.tensor1d(await scaledBy(Math.sqrt(length), load.weights(`${name}.weight`, [length]))),
  ),
  ...(load.shape.norm.type === "layer" ? { shift: await vector(load, `${name}.bias`, length) } : {}),
  epsilon: load.shape.norm.epsilon * length,
});

const scaledBy = async (factor: number, values: Promise<Float32Array>): Promise<Float32Array> =>
  (await values).map((value) => value * factor);

interface LinearSize {
  readonly inputs: number;
  readonly outputs: number;
  readonly hasBias: boolean;
}

const loadLinear = async (load: Loading, name: string, size: LinearSize): Promise<LinearWeights> => {
  const { inputs, outputs, hasBias } = size;
  const { inputsFirst } = load.names;
  return {
    kernel: await matrix(load, `${name}.weight`, inputsFirst ? [inputs, outputs] : [outputs, inputs]),
    inputsFirst,
    ...(hasBias ? { bias: await vector(load, `${name}.bias`, outputs) } : {}),
  };
};

const loadLayer = async (load: Loading, prefix: string): Promise<LayerWeights> => {
  const { shape, names } = load;
  const { width, headWidth } = shape;
  const { layer } = names;
  const sizes = linearSizes(shape, names);
  const of = (name: string) => loadLinear(load, prefix + name, sizes.get(name)!);
  const projections: LinearWeights[] = [];
  for (const name of layer.projections) projections.push(await of(name));
  const headNorms = shape.headNorms && layer.headNorms;
  return {
    attentionNorm: await loadNorm(load, prefix + layer.attentionNorm, width),
    projections,
    ...(headNorms
      ? {
          headNorms: {
            query: await loadNorm(load, prefix + headNorms[0], headWidth),
            key: await loadNorm(load, prefix + headNorms[1], headWidth),
          },
        }
      : {}),
    output: await of(layer.output),
    feedForwardNorm: await loadNorm(load, prefix + layer.feedForwardNorm, width),
    ...(layer.gate === undefined ? {} : { gate: await of(layer.gate) }),
    up: await of(layer.up),
    down: await of(layer.down),
  };
};

/** Of each projection in a layer, by its name. */
export const linearSizes = (shape: ModelShape, names: TensorNames): ReadonlyMap<string, LinearSize> => {
  const { width, innerWidth, heads, keyValueHeads, headWidth, biases } = shape;
  const { layer } = names;
  const queries = heads * headWidth;
  const keys = keyValueHeads * headWidth;
  const hasBias = biases.queryKeyValue;
  const [first, ...others] = layer.projections;
  const isJoint = others.length === 0;
  return new Map([
    [first, { inputs: width, outputs: isJoint ? queries + 2 * keys : queries, hasBias }],
    ...others.map((name) => [name, { inputs: width, outputs: keys, hasBias }] as const),
    [layer.output, { inputs: queries, outputs: width, hasBias: biases.output }],
    ...[layer.up, ...(layer.gate === undefined ? [] : [layer.gate])].map(
      (name) => [name, { inputs: width, outputs: innerWidth, hasBias: biases.feedForward }] as const,
    ),
    [layer.down, { inputs: innerWidth, outputs: width, hasBias: biases.feedForward }],
  ]);
};

/** The projections of a loaded layer by their names. */
export const linearsOf = (
  weights: LayerWeights,
  { layer }: TensorNames,
): ReadonlyMap<string, LinearWeights> =>
  new Map([
    ...layer.projections.map((name, i) => [name, weights.projections[i]!] as const),
    [layer.output, weights.output],
    ...(layer.gate === undefined || weights.gate === undefined ? [] : [[layer.gate, weights.gate] as const]),
    [layer.up, weights.up],
    [layer.down, weights.down],
  ]);
