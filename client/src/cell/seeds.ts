/**
 * What must repeat when an attempt or a process does: derived from the site's secret [protocol.md 2.4]. Each is the
 * caller's to wipe.
 */
import { encodeFields, type Secret } from "@bulkhead/base";
import { deriveSecret } from "@bulkhead/crypto";
import type { Job } from "@bulkhead/protocol";

/**
 * Which rows stand in which batch. Of the contract alone, and not of the model: the trainer goes through the shuffled
 * rows from round to round, so that each is seen equally often. A repeated round draws the same rows all the same.
 */
export const shuffleSeed = (siteSecret: Secret, { contractHash }: Pick<Job, "contractHash">): Secret =>
  deriveSecret({ secret: siteSecret, salt: contractHash, info: encodeFields("bulkhead/1 shuffle") });

/** The dither of the quantiser: one update of one model is always rounded alike, in whatever attempt. */
export const roundingSeed = (
  siteSecret: Secret,
  { contractHash }: Pick<Job, "contractHash">,
  modelHash: Uint8Array,
): Secret =>
  deriveSecret({
    secret: siteSecret,
    salt: contractHash,
    info: encodeFields("bulkhead/1 rounding", modelHash),
  });
