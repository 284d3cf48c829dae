/** Adapters taken from the flat vector of what is trained, put beside the projections of a loaded model. */
import { invariant } from "@bulkhead/base";
import type { Tensor, Tensor1D, Tensor2D, TensorFlow } from "@bulkhead/compute";
import { sizeOf, tensorsOf } from "../flat.ts";
import { parameterCount, type TensorSpec } from "../trainer.ts";
import {
  adapterPlaces,
  adapterScale,
  adapterTensors,
  type AdapterPlace,
  type LoraPlan,
} from "./adapter-plan.ts";
import type { LayerAdapters } from "./block.ts";
import type { Adapter, LinearWeights } from "./linear.ts";
import { linearsOf, type LoadedModel } from "./load-model.ts";
import { tensorNames } from "./tensor-names.ts";

export interface AdaptedModel {
  readonly model: LoadedModel;
  readonly plan: LoraPlan;
  readonly places: readonly AdapterPlace[];
  readonly linears: readonly LinearWeights[];
  /** What is trained, in the order of the flat vector. */
  readonly tensors: readonly TensorSpec[];
  /** Layers below it give the same for a row whatever is trained. */
  readonly firstTrained: number;
  /** A of each place, where it is not trained. */
  readonly frozen: readonly Tensor2D[];
  /** What each value of the flat vector is multiplied by before it is used: B holds the adapters' scale, A 1. */
  readonly scales: Float32Array;
}

/** `frozenA` holds the values of all A, one after another; only a plan that freezes them takes it. */
export const adaptModel = (
  tf: TensorFlow,
  model: LoadedModel,
  plan: LoraPlan,
  frozenA?: Float32Array,
): AdaptedModel => {
  const { shape, use } = model;
  const names = tensorNames(shape.family, use);
  const places = adapterPlaces(shape, use, plan);
  const tensors = adapterTensors(places, plan);
  const byLayer = model.layers.map((weights) => linearsOf(weights, names));
  return {
    model,
    plan,
    places,
    linears: places.map(({ layer, projection }) => byLayer[layer]!.get(projection)!),
    tensors,
    scales: scalesOf(tensors, adapterScale(plan)),
    firstTrained: Math.min(...places.map(({ layer }) => layer)),
    frozen: plan.frozenA === true ? frozenTensors(tf, places, plan, frozenA) : [],
  };
};

const scalesOf = (tensors: readonly TensorSpec[], scale: number): Float32Array => {
  const scales = new Float32Array(parameterCount(tensors)).fill(1);
  for (const { name, values } of tensorsOf(tensors, scales))
    if (name.endsWith("lora_B.weight")) values.fill(scale);
  return scales;
};

const frozenTensors = (
  tf: TensorFlow,
  places: readonly AdapterPlace[],
  { rank }: LoraPlan,
  values: Float32Array | undefined,
): readonly Tensor2D[] => {
  const count = places.reduce((sum, { inputs }) => sum + rank * inputs, 0);
  invariant(values?.length === count, "a plan that freezes A comes with all its values");
  let at = 0;
  return places.map(({ inputs }) => {
    const start = at;
    at += rank * inputs;
    return tf.tensor2d(values.subarray(start, at), [rank, inputs]);
  });
};

/** The mask of one place's dropout. */
export type Dropout = (place: number, shape: readonly [number, number]) => Tensor2D;

export interface BoundAdapters {
  readonly byLinear: LayerAdapters;
  /** Flat, once the way back has been taken through all layers; belongs to the caller. */
  readonly gradient: () => Tensor1D;
  /** Frees the factors and what the way back has left. */
  readonly free: () => void;
}

export const bindAdapters = (
  tf: TensorFlow,
  adapted: AdaptedModel,
  parameters: Tensor1D,
  dropout?: Dropout,
): BoundAdapters => {
  const { places, linears, plan, frozen, tensors } = adapted;
  const scales: Tensor1D = tf.tensor1d(adapted.scales);
  const factors = slicesOf(tf, tensors, parameters, scales);
  const gradients: Tensor[] = [];
  const frozenA = plan.frozenA === true;
  const adapterAt = (i: number): Adapter => ({
    a: frozenA ? frozen[i]! : factors[2 * i]!,
    b: frozenA ? factors[i]! : factors[2 * i + 1]!,
    frozenA,
    ...(dropout === undefined || !plan.dropout ? {} : { dropout: (shape) => dropout(i, shape) }),
    onGradients: ({ a, b }) => {
      if (a !== undefined) gradients[2 * i] = tf.keep(a);
      gradients[frozenA ? i : 2 * i + 1] = tf.keep(b);
    },
  });
  return {
    byLinear: new Map(places.map((_, i) => [linears[i]!, adapterAt(i)])),
    gradient: () =>
      tf.tidy(() =>
        tf.mul<Tensor1D>(tf.concat1d(gradients.map((each) => tf.reshape(each, [each.size]))), scales),
      ),
    free: () => tf.dispose([scales, ...factors, ...gradients]),
  };
};

/** The tensors in the flat vector, times their scales. */
const slicesOf = (
  tf: TensorFlow,
  specs: readonly TensorSpec[],
  flat: Tensor1D,
  scales: Tensor1D,
): readonly Tensor2D[] =>
  tf.tidy(() =>
    tf
      .split<Tensor1D>(tf.mul<Tensor1D>(flat, scales), specs.map(sizeOf))
      .map((slice, i): Tensor2D => tf.reshape(slice, [specs[i]!.shape[0]!, specs[i]!.shape[1]!])),
  );
