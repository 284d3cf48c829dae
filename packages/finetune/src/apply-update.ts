/**
 * How the published mean becomes the next model. Every member and the coordinator do this for themselves and must come
 * to the same bits, so it is spelled out in rounded 32-bit steps: nothing is left to a backend.
 */
import { invariant } from "@bulkhead/base";

/** `fedavg`: model + serverStep · mean, each product and each sum rounded to 32 bits [MMR+17, algorithm 1]. */
export interface UpdateRule {
  readonly type: "fedavg";
  readonly serverStep: number;
}

/** A new vector; the arguments stay as they are. */
export const applyUpdate = (
  model: Float32Array,
  meanUpdate: Float32Array,
  rule: UpdateRule,
): Float32Array => {
  invariant(model.length === meanUpdate.length, "an update is as long as its model");
  const step = Math.fround(rule.serverStep);
  const next = new Float32Array(model.length);
  for (let i = 0; i < next.length; i++) next[i] = Math.fround(model[i]! + Math.fround(step * meanUpdate[i]!));
  return next;
};
