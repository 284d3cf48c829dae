/**
 * From an update to lanes and from the sum of lanes to the weighted mean (protocol.md 2.4). Everything here is public
 * and the same for all members; ranges come from the contract, never from data.
 *
 * Encoding, which the ring engine does from {@link quantiseSpec}: a coordinate x of tensor t becomes
 * q = floor(v + u), at least -Qmax and at most Qmax, where v = x * (factor * scale_t), factor = clip factor * k / K,
 * and u in [0, 1) is the member's own pseudo-random dither, so that q is v on average. Lanes hold q in two's complement.
 * Decoding, in {@link decodeSum}: mean = sum of q / (scale_t * W), where W = sum of k / K.
 */
import { invariant } from "@bulkhead/base";
import { MAX_MEMBERS } from "./member.ts";
import type { LaneBits } from "./ring-layout.ts";
import { decodeScalars, digitLaneCount, scalarProblem, type Scalars, type ScalarSpec } from "./scalars.ts";

export interface TensorRange {
  readonly name: string;
  /** Count of coordinates. */
  readonly length: number;
  /** The largest absolute value that fits; beyond it coordinates are clamped. */
  readonly range: number;
}

export interface QuantisePlan {
  readonly laneBits: LaneBits;
  /** Of the roster, not of the survivors. */
  readonly members: number;
  readonly tensors: readonly TensorRange[];
  /** One of them is {@link weightScalar}. */
  readonly scalars: readonly ScalarSpec[];
  /** K: a member's weight k is from 1 to K. */
  readonly weightClasses: number;
}

/** What the ring engine has to know of a plan. */
export interface QuantiseSpec {
  readonly largestQuantum: number;
  readonly tensors: readonly { readonly length: number; readonly scale: number }[];
}

export interface DecodedSum {
  /** The weighted mean of the updates, tensor after tensor. */
  readonly mean: Float32Array;
  readonly scalars: Scalars;
}

/** The name of the scalar that carries k. */
export const WEIGHT = "weight";

export const weightScalar = (weightClasses: number): ScalarSpec => ({
  name: WEIGHT,
  least: 0,
  most: weightClasses,
  resolution: 1,
});

/** In 16 bits more classes leave a member of weight 1 too few levels; 32 bits have levels to spare. */
export const mostWeightClasses = (laneBits: LaneBits): number => (laneBits === 16 ? 32 : 65_536);

/** Qmax: the overflow rule n * Qmax <= 2^(b-1) - 1, on the roster's size. */
export const largestQuantum = (laneBits: LaneBits, members: number): number =>
  Math.floor((2 ** (laneBits - 1) - 1) / members);

/** Eight times the coordinate of an update whose whole norm C is spread evenly over the tensor, and C at most. */
export const defaultRange = (clipNorm: number, tensorLength: number): number =>
  Math.min(clipNorm, (8 * clipNorm) / Math.sqrt(tensorLength));

/** What brings an update of L2 norm `norm` to at most `clipNorm`. */
export const clipFactor = (norm: number, clipNorm: number): number => (norm > clipNorm ? clipNorm / norm : 1);

/** Why the plan cannot be used, or `undefined`; the other functions throw on a plan that this refuses. */
export const planProblem = (plan: QuantisePlan): string | undefined => {
  const { laneBits, members, tensors, weightClasses } = plan;
  if (!isCount(members, MAX_MEMBERS)) return `a roster has 1 to ${MAX_MEMBERS} members`;
  if (!isCount(weightClasses, mostWeightClasses(laneBits)))
    return `${laneBits} bits take 1 to ${mostWeightClasses(laneBits)} weight classes`;
  if (tensors.length === 0) return "there is no tensor";
  if (new Set(tensors.map(({ name }) => name)).size < tensors.length) return "two tensors have one name";
  for (const tensor of tensors) {
    if (!isCount(tensor.length, 2 ** 40)) return `tensor ${tensor.name} has no coordinates`;
    if (!(tensor.range > 0) || !isPositive(scaleOf(plan, tensor)))
      return `tensor ${tensor.name} has no range`;
  }
  return weightProblem(plan) ?? scalarProblem(plan);
};

/** Lanes of the coordinates, then of the digits of the scalars. */
export const payloadLaneCount = (plan: QuantisePlan): number => coordinateCount(plan) + digitLaneCount(plan);

export const quantiseSpec = (plan: QuantisePlan): QuantiseSpec => {
  invariant(planProblem(plan) === undefined, "a plan is checked before use");
  return {
    largestQuantum: largestQuantum(plan.laneBits, plan.members),
    tensors: plan.tensors.map((tensor) => ({ length: tensor.length, scale: scaleOf(plan, tensor) })),
  };
};

/**
 * The mean of `contributors` members' updates from the payload of their sum (little-endian lanes, no check lanes).
 * Bit for bit the same on every machine: IEEE doubles in a fixed order, rounded to single precision at the end.
 * `undefined` if so many members cannot have sent such a sum: then it is not theirs.
 */
export const decodeSum = (
  plan: QuantisePlan,
  payload: Uint8Array,
  contributors: number,
): DecodedSum | undefined => {
  invariant(planProblem(plan) === undefined, "a plan is checked before use");
  invariant(isCount(contributors, plan.members), "contributors are members");
  invariant(
    payload.length === (payloadLaneCount(plan) * plan.laneBits) / 8,
    "a payload has a lane for each value",
  );
  const scalars = decodeScalars(plan, digitLanes(plan, payload), contributors);
  const weight = scalars?.[WEIGHT];
  if (scalars === undefined || weight === undefined || weight < contributors) return undefined;
  const mean = decodeMean(plan, payload, { contributors, weight: weight / plan.weightClasses });
  return mean === undefined ? undefined : { mean, scalars };
};

const decodeMean = (
  plan: QuantisePlan,
  payload: Uint8Array,
  { contributors, weight }: { readonly contributors: number; readonly weight: number },
): Float32Array | undefined => {
  const laneAt = signedLanes(plan.laneBits, payload);
  const bound = contributors * largestQuantum(plan.laneBits, plan.members);
  const mean = new Float32Array(coordinateCount(plan));
  let at = 0;
  for (const tensor of plan.tensors) {
    const divisor = scaleOf(plan, tensor) * weight;
    for (const end = at + tensor.length; at < end; at++) {
      const sum = laneAt(at);
      if (sum > bound || sum < -bound) return undefined;
      mean[at] = sum / divisor;
    }
  }
  return mean;
};

const digitLanes = (plan: QuantisePlan, payload: Uint8Array): Uint32Array => {
  const laneAt = signedLanes(plan.laneBits, payload);
  const first = coordinateCount(plan);
  // Digit sums are unsigned: the mask undoes the sign extension, and the array makes 32 bits unsigned.
  const mask = plan.laneBits === 16 ? 0xffff : -1;
  return Uint32Array.from({ length: digitLaneCount(plan) }, (_, i) => laneAt(first + i) & mask);
};

const signedLanes = (laneBits: LaneBits, bytes: Uint8Array): ((lane: number) => number) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return laneBits === 16 ? (lane) => view.getInt16(2 * lane, true) : (lane) => view.getInt32(4 * lane, true);
};

const coordinateCount = ({ tensors }: QuantisePlan): number =>
  tensors.reduce((count, { length }) => count + length, 0);

const scaleOf = ({ laneBits, members }: QuantisePlan, { range }: TensorRange): number =>
  largestQuantum(laneBits, members) / range;

const weightProblem = ({ scalars, weightClasses }: QuantisePlan): string | undefined => {
  const wanted = weightScalar(weightClasses);
  return scalars.some(
    ({ name, least, most, resolution }) =>
      name === WEIGHT && least === wanted.least && most === wanted.most && resolution === wanted.resolution,
  )
    ? undefined
    : `no scalar "${WEIGHT}" from 0 to ${weightClasses} in steps of 1`;
};

const isCount = (value: number, most: number): boolean =>
  Number.isSafeInteger(value) && value >= 1 && value <= most;

const isPositive = (value: number): boolean => value > 0 && Number.isFinite(value);
