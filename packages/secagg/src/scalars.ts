/**
 * Numbers that are summed under the masks beside the update (its weight, example count, loss). They do not fit one
 * lane, and so travel as digits: base B = 2^floor(log2((2^b - 1) / n)), so that the sum of one digit over the whole
 * roster never overflows its lane, and the digit sums give the sum of the numbers (protocol.md 2.4).
 */
import { invariant } from "@bulkhead/base";
import type { LaneBits } from "./ring-layout.ts";

/** What one number may be; public, part of the contract. */
export interface ScalarSpec {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** The number is summed as a whole count of such steps above `least`. */
  readonly resolution: number;
}

export interface ScalarPlan {
  readonly laneBits: LaneBits;
  /** Of the roster, not of the survivors. */
  readonly members: number;
  readonly scalars: readonly ScalarSpec[];
}

/** By the name of the scalar. */
export type Scalars = Readonly<Record<string, number>>;

/** Why these scalars cannot be summed exactly, or `undefined`. */
export const scalarProblem = ({ members, scalars }: ScalarPlan): string | undefined => {
  if (new Set(scalars.map(({ name }) => name)).size < scalars.length) return "two scalars have one name";
  for (const spec of scalars) {
    const steps = mostSteps(spec);
    if (!Number.isFinite(spec.least) || !(spec.most > spec.least) || !(spec.resolution > 0))
      return `scalar ${spec.name} has no range`;
    if (!(steps >= 1) || !Number.isSafeInteger(steps * members))
      return `scalar ${spec.name} has a resolution that its range cannot be summed in`;
  }
  return undefined;
};

/** The base of the digits: the largest power of two of which `members` digits still fit a lane. */
export const digitBase = (laneBits: LaneBits, members: number): number =>
  2 ** (31 - Math.clz32(Math.floor((2 ** laneBits - 1) / members)));

export const digitLaneCount = (plan: ScalarPlan): number =>
  plan.scalars.reduce((lanes, spec) => lanes + digitCount(spec, digitBase(plan.laneBits, plan.members)), 0);

/**
 * The lanes of one member's scalars, lowest digit first, in the order of the plan. A value beyond its range counts as
 * the nearest end of it; one that is missing, unknown or not a number throws.
 */
export const encodeScalars = (plan: ScalarPlan, values: Scalars): Uint32Array => {
  invariant(scalarProblem(plan) === undefined, "a plan is checked before use");
  invariant(Object.keys(values).length === plan.scalars.length, "every scalar has a value, and no other");
  const base = digitBase(plan.laneBits, plan.members);
  const digits = plan.scalars.flatMap((spec) => {
    const value = Object.hasOwn(values, spec.name) ? values[spec.name]! : Number.NaN;
    invariant(!Number.isNaN(value), `scalar ${spec.name} is a number`);
    let rest = Math.min(Math.max(Math.round((value - spec.least) / spec.resolution), 0), mostSteps(spec));
    return Array.from({ length: digitCount(spec, base) }, () => {
      const digit = rest % base;
      rest = (rest - digit) / base;
      return digit;
    });
  });
  return Uint32Array.from(digits);
};

/**
 * The sum of each scalar over `contributors` members, from the sums of their lanes. `undefined` if so many members
 * cannot have sent such a sum: then it is not theirs.
 */
export const decodeScalars = (
  plan: ScalarPlan,
  laneSums: Uint32Array,
  contributors: number,
): Scalars | undefined => {
  invariant(scalarProblem(plan) === undefined, "a plan is checked before use");
  invariant(laneSums.length === digitLaneCount(plan), "there is a lane for each digit");
  const base = digitBase(plan.laneBits, plan.members);
  const sums: [string, number][] = [];
  let at = 0;
  for (const spec of plan.scalars) {
    const digits = laneSums.subarray(at, (at += digitCount(spec, base)));
    // Exact below 2^53; what rounds lies above every bound and is refused below.
    const steps = digits.reduceRight((sum, digit) => sum * base + digit, 0);
    if (digits.some((digit) => digit > contributors * (base - 1))) return undefined;
    if (steps > contributors * mostSteps(spec)) return undefined;
    sums.push([spec.name, contributors * spec.least + steps * spec.resolution]);
  }
  return Object.fromEntries(sums);
};

const mostSteps = ({ least, most, resolution }: ScalarSpec): number =>
  Math.round((most - least) / resolution);

const digitCount = (spec: ScalarSpec, base: number): number => {
  let count = 1;
  for (let capacity = base; capacity <= mostSteps(spec); capacity *= base) count++;
  return count;
};
