/** What a contract says of a language model's training: plain data, part of what both sides sign. */
import { hexToBytes, invariant } from "@bulkhead/base";
import { openKeystream, segmentNonce } from "@bulkhead/compute";
import { tensorsOf } from "./flat.ts";
import { adapterPlaces, adapterTensors, type LoraPlan } from "./models/adapter-plan.ts";
import type { ModelShape } from "./models/model-shape.ts";
import type { HashSplit } from "./rows/hash-split.ts";
import type { RowRecipe } from "./rows/row-recipe.ts";
import { parameterCount } from "./trainer.ts";

/** How A is drawn. */
export interface FactorDraw {
  /** 32 bytes in hexadecimal. */
  readonly seed: string;
  /** Of a bell curve around 0; without it A is uniform in ±1/√inputs, as in PEFT. */
  readonly deviation?: number;
}

export interface LanguageTask {
  readonly lora: LoraPlan;
  /** How every party draws A, where the plan freezes it; else the initial model has it. */
  readonly factors?: FactorDraw;
  /** Of a row; what is longer is cut. */
  readonly maxTokens: number;
  /** How the columns of a row become what the model reads. */
  readonly rows: RowRecipe;
  /** Rows that no site trains on: on them each round's model is judged. */
  readonly heldOut?: HashSplit;
}

/** Adapters that change nothing yet: A as drawn, B zero. Gives what is trained, flat; where A is frozen, that is B alone. */
export const initialAdapters = (shape: ModelShape, plan: LoraPlan, draw: FactorDraw): Float32Array => {
  if (plan.frozenA === true)
    return new Float32Array(
      parameterCount(adapterTensors(adapterPlaces(shape, "language-model", plan), plan)),
    );
  return drawnAdapters(shape, plan, draw);
};

/** All A one after another, for a plan that freezes them. */
export const frozenFactors = (shape: ModelShape, plan: LoraPlan, draw: FactorDraw): Float32Array => {
  const places = adapterPlaces(shape, "language-model", plan);
  const all = drawnAdapters(shape, plan, draw);
  const factors = tensorsOf(adapterTensors(places, plan, "all"), all).filter(({ name }) => isA(name));
  const flat = new Float32Array(factors.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const { values } of factors) {
    flat.set(values, at);
    at += values.length;
  }
  return flat;
};

const drawnAdapters = (shape: ModelShape, plan: LoraPlan, { seed, deviation }: FactorDraw): Float32Array => {
  const specs = adapterTensors(adapterPlaces(shape, "language-model", plan), plan, "all");
  const flat = new Float32Array(parameterCount(specs));
  const uniform = uniformOf(seed);
  for (const { name, shape: sides, values } of tensorsOf(specs, flat)) {
    if (!isA(name)) continue;
    const draw =
      deviation === undefined ? () => uniform() / Math.sqrt(sides[1]!) : () => deviation * bell(uniform);
    for (let i = 0; i < values.length; i++) values[i] = draw();
  }
  return flat;
};

const isA = (name: string): boolean => name.endsWith(".lora_A.weight");

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
