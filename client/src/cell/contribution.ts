/** From a trained update to what the ring engine encodes: clipped, weighted, with the scalars that go into the sum. */
import { InputError, invariant } from "@bulkhead/base";
import { l2Norm, type QuantiseJob } from "@bulkhead/compute";
import { CLAMPED, CLIPPED, type Contract, type Job } from "@bulkhead/protocol";
import { clipFactor, encodeScalars, quantiseSpec, WEIGHT } from "@bulkhead/secagg";
import type { TrainedUpdate } from "./kept-update.ts";

/** Every metric that this program can put into a sum, by its name in contracts. */
const METRICS: Readonly<Record<string, (trained: TrainedUpdate) => number>> = {
  examples: ({ examples }) => examples,
  "loss-sum": ({ lossSum }) => lossSum,
};

/** Throws an {@link InputError} where the contract wants a number that nobody here can give. */
export const expectKnownMetrics = ({ job, metrics }: Pick<Contract, "job" | "metrics">): void => {
  const unknown = metrics.find(({ name }) => !Object.hasOwn(METRICS, name));
  if (unknown === undefined) return;
  throw new InputError({
    code: "contract-metric",
    place: `contract ${job}`,
    problem: `it asks for a metric ${unknown.name}, which this program does not know`,
    cure: `draft it with ${Object.keys(METRICS).join(" and ")}`,
  });
};

interface Contribution {
  /** Whether the update was longer than the contract's clip norm. */
  readonly isClipped: boolean;
  readonly job: QuantiseJob;
}

/**
 * The encoding of `trained` by a site with so many rows. The update is not copied: clip and weight are one factor, and
 * the engine applies it. `roundingSeed` is secret, and the caller's to wipe when the engine is done.
 */
export const contributionOf = (
  job: Job,
  trained: TrainedUpdate,
  { rows, roundingSeed }: { readonly rows: number; readonly roundingSeed: Uint8Array },
): Contribution => {
  const { clipNorm, weighting } = job.contract.update;
  const norm = l2Norm(trained.update);
  invariant(Number.isFinite(norm), "an update that is not finite never comes so far");
  const weight = weightOf(rows, weighting);
  const isClipped = norm > clipNorm;
  const metrics = Object.fromEntries(
    job.contract.metrics.map(({ name }) => [name, METRICS[name]!(trained)] as const),
  );
  return {
    isClipped,
    job: {
      update: trained.update,
      plan: quantiseSpec(job.quantisation),
      factor: (clipFactor(norm, clipNorm) * weight) / weighting.classes,
      roundingSeed,
      scalarLanes: (clamped) =>
        encodeScalars(job.quantisation, {
          ...metrics,
          [WEIGHT]: weight,
          [CLIPPED]: isClipped ? 1 : 0,
          [CLAMPED]: clamped,
        }),
    },
  };
};

/** k: in steps of the contract, from 1 to its number of classes. */
export const weightOf = (
  rows: number,
  { classes, examplesPerClass }: Contract["update"]["weighting"],
): number => Math.min(Math.max(Math.round(rows / examplesPerClass), 1), classes);
