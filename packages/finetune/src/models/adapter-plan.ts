/**
 * Which projections of a model have low-rank adapters [HSW+21], and the tensors that are trained for them, named as PEFT
 * names them so that what is saved loads there.
 */
import { InputError } from "@bulkhead/base";
import type { TensorSpec } from "../trainer.ts";
import { linearSizes } from "./load-model.ts";
import type { ModelShape, ModelUse } from "./model-shape.ts";
import { projectionNames, tensorNames } from "./tensor-names.ts";

/** Plain data, part of what both sides sign. */
export interface LoraPlan {
  readonly rank: number;
  readonly alpha: number;
  /** Names of projections from any of their parts on (`q_proj`, `self_attn.q_proj`, the whole), or every one of them. */
  readonly targets: "all-linear" | readonly string[];
  /** Counted from 0; all of them unless said. */
  readonly layers?: readonly number[];
  /** Share of the adapters' inputs that is set to 0 in training. */
  readonly dropout?: number;
  /** Rank-stabilised [Kal23]: alpha / √rank instead of alpha / rank. */
  readonly rankStabilised?: boolean;
  /** A stays as it was drawn and only B is trained [SLH+24]: the mean of the products is then the product of the means. */
  readonly frozenA?: boolean;
}

/** One projection with an adapter. */
export interface AdapterPlace {
  readonly layer: number;
  /** Within its layer. */
  readonly projection: string;
  /** In a model of its use. */
  readonly module: string;
  readonly inputs: number;
  readonly outputs: number;
}

export const adapterScale = ({ rank, alpha, rankStabilised = false }: LoraPlan): number =>
  alpha / (rankStabilised ? Math.sqrt(rank) : rank);

/** Layer by layer. Throws an {@link InputError} about a plan that the model cannot carry. */
export const adapterPlaces = (shape: ModelShape, use: ModelUse, plan: LoraPlan): readonly AdapterPlace[] => {
  const places = projectionsOf(shape, use);
  const problem = planProblem(shape, plan) ?? targetProblem(places, plan);
  if (problem !== undefined)
    throw new InputError({
      code: "contract-task",
      place: "the adapters",
      problem,
      cure: `name projections of the model: ${[...new Set(places.map(({ projection }) => lastPart(projection)))].join(", ")}`,
    });
  return places.filter(
    ({ layer, module }) => (plan.layers?.includes(layer) ?? true) && isTarget(plan.targets, module),
  );
};

/** Every projection of the model, layer by layer. */
export const projectionsOf = (shape: ModelShape, use: ModelUse): readonly AdapterPlace[] => {
  const names = tensorNames(shape.family, use);
  const sizes = linearSizes(shape, names);
  return Array.from({ length: shape.layers }, (_, layer) =>
    projectionNames(names).map((projection) => {
      const { inputs, outputs } = sizes.get(projection)!;
      const module = `${names.prefix}${names.layers}.${layer}.${projection}`;
      return { layer, projection, module, inputs, outputs };
    }),
  ).flat();
};

const lastPart = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

/** As PEFT matches names in a list. */
export const isTarget = (targets: LoraPlan["targets"], module: string): boolean =>
  targets === "all-linear" || targets.some((target) => module === target || module.endsWith(`.${target}`));

const targetProblem = (
  places: readonly AdapterPlace[],
  { targets, layers }: LoraPlan,
): string | undefined => {
  if (targets === "all-linear") return undefined;
  if (targets.length === 0) return "no projection is named";
  const inLayers = places.filter(({ layer }) => layers?.includes(layer) ?? true);
  const missing = targets.find((target) => !inLayers.some(({ module }) => isTarget([target], module)));
  return missing === undefined
    ? undefined
    : `the model has no projection ${JSON.stringify(missing.slice(0, 64))} there`;
};

const planProblem = (
  shape: ModelShape,
  { rank, alpha, layers, dropout = 0 }: LoraPlan,
): string | undefined => {
  if (!Number.isInteger(rank) || rank < 1 || rank > shape.width)
    return `the rank must be from 1 to ${shape.width}`;
  if (!Number.isFinite(alpha)) return "alpha must be a finite number";
  if (!(dropout >= 0 && dropout < 1)) return "dropout must be from 0 to less than 1";
  if (layers === undefined) return undefined;
  if (layers.length === 0) return "no layer is named";
  if (!layers.every((layer) => Number.isInteger(layer) && layer >= 0 && layer < shape.layers))
    return `the model's layers are 0 to ${shape.layers - 1}`;
  return new Set(layers).size < layers.length ? "a layer is named twice" : undefined;
};

/** Both factors of each adapter, A before B; those that are trained, where A is frozen only B. */
export const adapterTensors = (
  places: readonly AdapterPlace[],
  { rank, frozenA = false }: LoraPlan,
  which: "trained" | "all" = "trained",
): readonly TensorSpec[] =>
  places.flatMap(({ module, inputs, outputs }) => [
    ...(frozenA && which === "trained"
      ? []
      : [{ name: `base_model.model.${module}.lora_A.weight`, shape: [rank, inputs] }]),
    { name: `base_model.model.${module}.lora_B.weight`, shape: [outputs, rank] },
  ]);
