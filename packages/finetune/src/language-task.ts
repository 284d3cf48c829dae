/** What a contract says of a language model's training: plain data, part of what both sides sign. */
import { hexToBytes, invariant } from "@bulkhead/base";
import { openKeystream, segmentNonce } from "@bulkhead/compute";
import { tensorsOf } from "./flat.ts";
import { adapterPlaces, adapterTensors, type LoraPlan } from "./models/adapter-plan.ts";
import type { Family, ModelShape } from "./models/model-shape.ts";
import type { HashSplit } from "./rows/hash-split.ts";
import type { RowRecipe } from "./rows/row-recipe.ts";
import { parameterCount, type TensorSpec } from "./trainer.ts";
import type { NamedValues } from "./weights/write-safetensors.ts";

/** How A is drawn. */
export interface FactorDraw {
  /** 32 bytes in hexadecimal. */
  readonly seed: string;
  /** Of a bell curve around 0; without it A is uniform in ±1/√inputs, as in PEFT. */
  readonly deviation?: number;
}

export interface LanguageTask {
  /** Of the base model: it decides how PEFT names what is trained. */
  readonly family: Family;
  readonly lora: LoraPlan;
  /** How every party draws A, where the plan freezes it, and how many inputs each has; else the initial model has A. */
  readonly factors?: FactorDraw & { readonly inputs: readonly number[] };
  /** Of a row; what is longer is cut. */
  readonly maxTokens: number;
  /** How the columns of a row become what the model reads. */
  readonly rows: RowRecipe;
  /** Rows that no site trains on: on them each round's model is judged. */
  readonly heldOut?: HashSplit;
}

/** Adapters that change nothing yet: A as drawn, B zero. Gives what is trained, flat; where A is frozen, that is B alone. */
export const initialAdapters = (shape: ModelShape, plan: LoraPlan, draw: FactorDraw): Float32Array => {
  const places = adapterPlaces(shape, "language-model", plan);
  const specs = adapterTensors(places, plan);
  const flat = new Float32Array(parameterCount(specs));
  if (plan.frozenA === true) return flat;
  const factors = drawnFactors(
    places.map(({ inputs }) => inputs),
    plan.rank,
    draw,
  );
  // A stands before its B.
  for (const [i, { values }] of tensorsOf(specs, flat).entries())
    if (i % 2 === 0) values.set(factors[i / 2]!);
  return flat;
};

/** A of each place, [rank, inputs]: the same on every machine. */
export const drawnFactors = (
  inputs: readonly number[],
  rank: number,
  { seed, deviation }: FactorDraw,
): readonly Float32Array[] => {
  const uniform = uniformOf(seed);
  return inputs.map((count) => {
    const draw =
      deviation === undefined ? () => uniform() / Math.sqrt(count) : () => deviation * bell(uniform);
    return Float32Array.from({ length: rank * count }, draw);
  });
};

/** The whole adapter of a trained vector as PEFT has it: where A is frozen, it is drawn again. */
export const languageAdapter = (
  tensors: readonly TensorSpec[],
  trained: Float32Array,
  { lora, factors }: Pick<LanguageTask, "lora" | "factors">,
): readonly NamedValues[] => {
  const named = tensorsOf(tensors, trained);
  if (factors === undefined) return named;
  const { inputs } = factors;
  return drawnFactors(inputs, lora.rank, factors).flatMap((values, i) => {
    const b = named[i]!;
    const name = b.name.replace(/lora_B\.weight$/u, "lora_A.weight");
    return [{ name, shape: [lora.rank, inputs[i]!], values }, b];
  });
};

/** In −1…1 from the keystream of the seed, 24 bits each. */
const uniformOf = (seed: string): (() => number) => {
  const key = hexToBytes(seed);
  invariant(key?.length === 32, "a seed is 32 bytes in hexadecimal");
  const stream = openKeystream({ key, nonce: segmentNonce(0), offset: 0 });
  return () => {
    const bits = new DataView(stream.next(4).buffer).getUint32(0, true) >>> 8;
    return (bits + 0.5) / 2 ** 23 - 1;
  };
};

/** Of deviation 1: half the sum of twelve uniforms in −1…1, which needs no function that machines round differently. */
const bell = (uniform: () => number): number => {
  let sum = 0;
  for (let i = 0; i < 12; i++) sum += uniform();
  return sum / 2;
};
