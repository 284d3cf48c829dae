/** From the published sum to the next model, checked before a bit of it counts. */
import { equalBytes } from "@bulkhead/base";
import type { RingEngine } from "@bulkhead/compute";
import { sha256 } from "@bulkhead/crypto";
import { decodePublished, type Model, nextModel } from "@bulkhead/party";
import type { ClientEffect, FailureCode, Job } from "@bulkhead/protocol";

export type Apply = Extract<ClientEffect, { readonly type: "apply" }>;

/** Gives the code of what is wrong where the bytes are not the sum that a quorum vouched for, or no sum at all. */
export const applySum = (
  { job, engine }: { readonly job: Job; readonly engine: RingEngine },
  model: Model,
  { sumDigest, survivors }: Apply,
  sum: Uint8Array,
): Model | Extract<FailureCode, "sum-mismatch" | "masks-did-not-cancel"> => {
  if (!equalBytes(sha256(sum), sumDigest)) return "sum-mismatch";
  const vector = engine.allocate(job.layout);
  vector.bytes.set(sum);
  if (engine.firstNonZeroCheckLane(vector) !== undefined) return "masks-did-not-cancel";
  const decoded = decodePublished(job, sum, survivors.length);
  return decoded === undefined ? "sum-mismatch" : nextModel(job, model, decoded);
};
