/** How the contract's numbers become the quantiser's plan. */
import { type LaneBits, type QuantisePlan, weightScalar } from "@bulkhead/secagg";

/** The clauses of the contract that fix how an update becomes lanes. */
export interface RingClauses {
  readonly ring: { readonly bits: LaneBits };
  readonly members: readonly unknown[];
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly range: number;
  }[];
  readonly metrics: readonly { readonly name: string; readonly most: number; readonly resolution: number }[];
  readonly update: { readonly weighting: { readonly classes: number } };
}

/** Scalars that every sum carries besides the weight, whatever the contract's metrics: how far clip and range bit. */
export const CLIPPED = "clipped";
export const CLAMPED = "clamped";

/** The quantiser's plan; every number in it stands in the contract. */
export const quantisationOf = ({ ring, members, tensors, metrics, update }: RingClauses): QuantisePlan => {
  const lengths = tensors.map(({ shape }) => shape.reduce((length, side) => length * side, 1));
  const parameters = lengths.reduce((sum, length) => sum + length, 0);
  return {
    laneBits: ring.bits,
    members: members.length,
    weightClasses: update.weighting.classes,
    tensors: tensors.map(({ name, range }, i) => ({ name, range, length: lengths[i]! })),
    scalars: [
      weightScalar(update.weighting.classes),
      { name: CLIPPED, least: 0, most: 1, resolution: 1 },
      { name: CLAMPED, least: 0, most: parameters, resolution: 1 },
      ...metrics.map(({ name, most, resolution }) => ({ name, least: 0, most, resolution })),
    ],
  };
};
