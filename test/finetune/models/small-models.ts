/** The small random models of test/interop/model_vectors.py, and what `transformers` and `peft` make of them. */
import fs from "node:fs";
import path from "node:path";
import {
  type LoadedModel,
  loadModel,
  type LoraPlan,
  type ModelUse,
  type ModelWeights,
  readPeftAdapter,
  shapeOfConfig,
} from "@bulkhead/finetune";
import type { TensorFlow } from "@bulkhead/compute";
import { randomNumbers } from "../tiny-model.ts";

export interface SmallCase {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** Of each row: logits of a decoder, else hidden states. */
  readonly plain: readonly (readonly number[])[];
  readonly adapterConfig: Readonly<Record<string, unknown>>;
  readonly adapterShapes: Readonly<Record<string, readonly number[]>>;
  readonly adapted: readonly (readonly number[])[];
  readonly loss: number;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

export interface SmallModels {
  readonly rows: readonly (readonly number[])[];
  /** Tokens from this one on are foretold. */
  readonly firstTarget: number;
  readonly cases: Readonly<Record<string, SmallCase>>;
}

export const readSmallModels = (file: string): SmallModels =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what model_vectors.py writes
  JSON.parse(fs.readFileSync(file, "utf8")) as SmallModels;

export const SMALL_MODELS = readSmallModels(
  path.join(import.meta.dirname, "..", "..", "vectors", "small-models.json"),
);

const filled = (shapes: Readonly<Record<string, readonly number[]>>, seed: number) => {
  const random = randomNumbers(seed);
  return new Map(
    Object.keys(shapes)
      .sort()
      .map((name) => {
        const shape = shapes[name]!;
        const isNorm = shape.length === 1 && name.endsWith("weight");
        const values = Float32Array.from({ length: shape.reduce((size, side) => size * side, 1) }, () =>
          isNorm ? 1 + random() : 0.8 * random(),
        );
        return [name, { shape, values }] as const;
      }),
  );
};

export const useOf = ({ config }: SmallCase): ModelUse =>
  /bert/u.test(String(config["model_type"])) ? "embedding" : "language-model";

export const shapeOf = ({ config }: SmallCase) => shapeOfConfig(config, "a small model");

export const smallWeights = ({ shapes }: SmallCase): ModelWeights => {
  const tensors = filled(shapes, 1);
  return async (name, shape) => {
    const tensor = tensors.get(name);
    if (tensor?.shape.join() !== shape.join()) throw new Error(`no ${name} of [${shape.join()}]`);
    return tensor.values;
  };
};

export const loadSmall = (tf: TensorFlow, small: SmallCase): Promise<LoadedModel> =>
  loadModel(tf, shapeOf(small), useOf(small), smallWeights(small));

/** The adapter that PEFT has beside the model. */
export const smallAdapter = (
  small: SmallCase,
): { readonly plan: LoraPlan; readonly trained: Float32Array } => {
  const tensors = filled(small.adapterShapes, 2);
  return readPeftAdapter(shapeOf(small), useOf(small), {
    config: small.adapterConfig,
    tensor: (name) => tensors.get(name),
    names: [...tensors.keys()],
    place: "an adapter",
  });
};
