/** Low-rank adapters [HSW+21] on the query and value projections: which tensors they are, and the adapted projection. */
import type { Tensor, Tensor2D, TensorFlow } from "@bulkhead/compute";
import { affine, type Dense } from "./dense.ts";
import type { ClassifierTask, TensorSpec } from "./trainer.ts";

/** The two factors of one adapter: A is [rank, in], B is [out, rank], and the weight changes by B A · alpha / rank. */
export interface Adapter {
  readonly a: Tensor2D;
  readonly b: Tensor2D;
}

export interface LayerAdapters {
  readonly query: Adapter;
  readonly value: Adapter;
}

/** Names as PEFT writes them, so that the exported adapter loads there. */
export const adapterSpecs = (width: number, { lora }: ClassifierTask): readonly TensorSpec[] =>
  lora.layers
    .toSorted((a, b) => a - b)
    .flatMap((layer) =>
      ["query", "value"].flatMap((part) => {
        const prefix = `base_model.model.encoder.layer.${layer}.attention.self.${part}`;
        return [
          { name: `${prefix}.lora_A.weight`, shape: [lora.rank, width] },
          { name: `${prefix}.lora_B.weight`, shape: [width, lora.rank] },
        ];
      }),
    );

/** The adapters of the layers in order, from tensors in the order of {@link adapterSpecs}. */
export const adaptersOf = (tensors: readonly Tensor2D[]): readonly LayerAdapters[] =>
  Array.from({ length: tensors.length / 4 }, (_, i) => {
    const [qa, qb, va, vb] = tensors.slice(4 * i, 4 * i + 4);
    return { query: { a: qa!, b: qb! }, value: { a: va!, b: vb! } };
  });

/** The adapters' weight on query and value; that of the query holds the attention's 1/√d. */
export interface AdapterScales {
  readonly query: number;
  readonly value: number;
}

/** The projection to query, key and value with the adapters added to its weight. */
const adaptedProjection = (
  tf: TensorFlow,
  projection: Dense,
  { query, value }: LayerAdapters,
  scales: AdapterScales,
): Dense => {
  const change = ({ a, b }: Adapter, scale: number): Tensor2D => tf.mul(tf.matMul(a, b, true, true), scale);
  const inQuery = change(query, scales.query);
  const joint = tf.concat([inQuery, tf.zerosLike(inQuery), change(value, scales.value)], 1);
  return { kernel: tf.add(projection.kernel, joint), bias: projection.bias };
};

export interface AdaptedLayer {
  readonly projection: Dense;
  readonly scales: AdapterScales;
  /** False in the first trained layer, whose input is frozen: its gradient would go nowhere. */
  readonly inputIsTrained: boolean;
}

/**
 * x (W + ΔW) + b on the tape, with gradients for the adapters' factors and, where it is needed, for x. The factors'
 * gradients are taken at low rank, without the gradient of the whole weight.
 */
export const projectWithAdapters = (
  tf: TensorFlow,
  { projection, scales, inputIsTrained }: AdaptedLayer,
  x: Tensor2D,
  adapters: LayerAdapters,
): Tensor2D => {
  const { query, value } = adapters;
  const run = tf.customGrad<Tensor2D>((...inputs) => {
    const save = inputs.at(-1);
    const adapted = adaptedProjection(tf, projection, adapters, scales);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the last input is always the function that saves
    (save as (tensors: Tensor[]) => void)([x, adapted.kernel, query.a, query.b, value.a, value.b]);
    const gradFunc = (dy: Tensor2D, saved: Tensor[]) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all six are of rank 2
      const [input, kernel, qa, qb, va, vb] = saved as Tensor2D[];
      const [rows, width] = input!.shape;
      const part = (i: number) => tf.slice(dy, [0, i * width], [rows, width]);
      return [
        ...(inputIsTrained ? [tf.matMul(dy, kernel!, false, true)] : []),
        ...factorGradients(tf, { x: input!, dy: part(0) }, { a: qa!, b: qb! }, scales.query),
        ...factorGradients(tf, { x: input!, dy: part(2) }, { a: va!, b: vb! }, scales.value),
      ];
    };
    return { value: affine(tf, x, adapted), gradFunc };
  });
  const factors = [query.a, query.b, value.a, value.b];
  return run(...(inputIsTrained ? [x, ...factors] : factors));
};

const factorGradients = (
  tf: TensorFlow,
  { x, dy }: { readonly x: Tensor2D; readonly dy: Tensor2D },
  { a, b }: Adapter,
  scale: number,
): [Tensor2D, Tensor2D] => {
  const dyb = tf.mul<Tensor2D>(tf.matMul(dy, b), scale);
  const xa = tf.mul<Tensor2D>(tf.matMul(x, a, false, true), scale);
  return [tf.matMul(dyb, x, true, false), tf.matMul(dy, xa, true, false)];
};
