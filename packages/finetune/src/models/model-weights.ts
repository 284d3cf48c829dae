/** A model's weights by their Hugging Face names and in that layout, whatever file they stand in. */
import { InputError, invariant } from "@bulkhead/base";
import type { TensorEntry, Weights } from "../weights/open-weights.ts";
import { undoRopePermutation } from "../weights/rope-permutation.ts";
import type { ModelWeights } from "./load-model.ts";
import type { ModelShape } from "./model-shape.ts";
import { nameOfGguf, tensorNames } from "./tensor-names.ts";

export interface NamedWeights {
  /** By Hugging Face names, as a folder of this model would have them: shape as there, name and type as in the file. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /** Which of {@link entries} is meant: a name may have the model's prefix or not. */
  readonly nameOf: (name: string) => string | undefined;
  /** In Hugging Face layout. Rejects with an {@link InputError} where there is no such tensor of this shape. */
  readonly tensor: ModelWeights;
  /** Tensors of a GGUF file that no model of this shape has; without those that the configuration has taken up. */
  readonly unknown: readonly string[];
}

export const namedWeights = (weights: Weights, shape: ModelShape): NamedWeights => {
  const isGguf = weights.format === "gguf";
  const entries = isGguf ? ggufEntries(weights, shape) : weights.tensors;
  const prefix = tensorNames(shape.family, "classification").prefix;
  const nameOf = (name: string): string | undefined =>
    [name, prefix + name, name.startsWith(prefix) ? name.slice(prefix.length) : name].find((each) =>
      entries.has(each),
    );
  const known = new Set([...entries.values()].map(({ name }) => name));
  return {
    entries,
    nameOf,
    tensor: async (name, sides) => {
      const found = nameOf(name);
      if (found === undefined) throw unusable(weights.place, `it has no tensor ${name}`);
      const entry = entries.get(found)!;
      if (entry.shape.join() !== sides.join())
        throw unusable(
          weights.place,
          `${entry.name} has the shape [${entry.shape.join()}], not [${sides.join()}]`,
        );
      const values = await weights.floats(entry.name);
      return isGguf ? asInFolder(values, shape, { name, sides, weights }) : values;
    },
    unknown: [...weights.tensors.keys()].filter((name) => !known.has(name) && name !== "rope_freqs.weight"),
  };
};

const ggufEntries = ({ tensors }: Weights, shape: ModelShape): ReadonlyMap<string, TensorEntry> =>
  new Map(
    [...tensors.values()].flatMap((entry) => {
      const name = nameOfGguf(shape, entry.name);
      if (name === undefined) return [];
      const sides = isTransposed(shape, name) ? entry.shape.toReversed() : entry.shape;
      return [[name, { ...entry, shape: sides }] as const];
    }),
  );

/** What stands as [in, out] in a folder stands as [out, in] in GGUF. */
const isTransposed = ({ family }: ModelShape, name: string): boolean =>
  tensorNames(family, "classification").inputsFirst && /\.(?:c_attn|c_proj|c_fc)\.weight$/u.test(name);

interface StoredTensor {
  readonly name: string;
  readonly sides: readonly number[];
  readonly weights: Weights;
}

const asInFolder = (
  values: Float32Array,
  shape: ModelShape,
  { name, sides, weights }: StoredTensor,
): Float32Array => {
  if (isTransposed(shape, name)) return transposed(values, sides.at(-1)!);
  if (weights.metadata.get("general.architecture") !== "llama") return values;
  const heads = /\.self_attn\.q_proj\.\w+$/u.test(name)
    ? shape.heads
    : /\.self_attn\.k_proj\.\w+$/u.test(name)
      ? shape.keyValueHeads
      : undefined;
  return heads === undefined ? values : undoRopePermutation(values, heads, sides[0]!);
};

const transposed = (values: Float32Array, rows: number): Float32Array => {
  const width = values.length / rows;
  invariant(Number.isInteger(width), "whole rows");
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < width; column++)
      turned[column * rows + row] = values[row * width + column]!;
  return turned;
};

const unusable = (place: string, problem: string): InputError =>
  new InputError({
    code: "model-unusable",
    place,
    problem,
    cure: "use a model of the family that its configuration names",
  });
