/** From an agreed, plain sum to the next model. A crash anywhere here is made good by doing it again. */
import type { Secret } from "@bulkhead/base";
import { type Job, type Published, resultMessage } from "@bulkhead/protocol";
import type { Scalars } from "@bulkhead/secagg";
import { type Model, decodePublished, nextModel } from "@bulkhead/party";
import { modelFiles } from "./checkpoints.ts";
import type { JobFolder } from "./job-folder.ts";
import type { NewFile } from "@bulkhead/store";
import type { AppliedEntry } from "./journal/job-journal.ts";
import { readSum, resultFile } from "./published-rounds.ts";

interface AppliedRound {
  readonly model: Model;
  readonly entry: AppliedEntry;
  readonly scalars: Scalars;
  /** What must be on the disk before the round counts as applied. */
  readonly files: readonly NewFile[];
}

/** `undefined` where the survivors cannot have sent such a sum: then the members will refuse it too. */
export const applyRound = async (
  { job, folder, providerSecretKey }: PublishingTools,
  model: Model,
  state: Published,
): Promise<AppliedRound | undefined> => {
  const { context, survivors, sumDigest } = state;
  const { round, attempt } = context;
  const sum = await readSum(folder, job, { round, sumDigest });
  const decoded = decodePublished(job, sum, survivors.length);
  if (decoded === undefined) return undefined;
  const next = nextModel(job, model, decoded);
  const result = resultFile(folder, round, resultMessage(state, providerSecretKey));
  return {
    files: [result, ...(await modelFiles(folder, job, round, next))],
    model: next,
    entry: { type: "applied", round, attempt, survivors, modelHash: next.hash, sumDigest },
    scalars: decoded.scalars,
  };
};

interface PublishingTools {
  readonly job: Job;
  readonly folder: JobFolder;
  readonly providerSecretKey: Secret;
}
