/** An adapter folded into the weights, which then need none, and taken out again. */
import type { LoraPlan } from "./adapter-plan.ts";
import { adapterScale } from "./adapter-plan.ts";

export interface Factors {
  /** [rank, in] and [out, rank]. */
  readonly a: Float32Array;
  readonly b: Float32Array;
}

export interface KernelSides {
  readonly inputs: number;
  readonly outputs: number;
  /** The kernel is [in, out]. */
  readonly inputsFirst: boolean;
}

/**
 * kernel + scale · B A, in 64 bits and rounded once; `sign` −1 takes out what was merged, but for the last bit. A new
 * array.
 */
export const mergeAdapter = (
  kernel: Float32Array,
  { inputs, outputs, inputsFirst }: KernelSides,
  { a, b }: Factors,
  { plan, sign = 1 }: { readonly plan: LoraPlan; readonly sign?: 1 | -1 },
): Float32Array => {
  const scale = sign * adapterScale(plan);
  const merged = new Float32Array(kernel.length);
  for (let output = 0; output < outputs; output++)
    for (let input = 0; input < inputs; input++) {
      let change = 0;
      for (let r = 0; r < plan.rank; r++) change += b[output * plan.rank + r]! * a[r * inputs + input]!;
      const at = inputsFirst ? input * outputs + output : output * inputs + input;
      merged[at] = kernel[at]! + scale * change;
    }
  return merged;
};
