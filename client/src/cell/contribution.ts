/** From a trained update to what the ring engine encodes: clipped, weighted, with the scalars that go into the sum. */
import { invariant } from "@bulkhead/base";
import { l2Norm, type QuantiseJob } from "@bulkhead/compute";
import { METRIC_NAMES, type MetricName } from "@bulkhead/party";
import { CLAMPED, CLIPPED, type Contract, type Job } from "@bulkhead/protocol";
import { clipFactor, encodeScalars, quantiseSpec, WEIGHT } from "@bulkhead/secagg";
import type { TrainedUpdate } from "./kept-update.ts";

const METRICS: Readonly<Record<MetricName, (trained: TrainedUpdate) => number>> = {
  examples: ({ examples }) => examples,
  "loss-sum": ({ lossSum }) => lossSum,
  "held-out-rows": ({ heldOut }) => heldOut.rows,
  "held-out-answers": ({ heldOut }) => heldOut.answers,
  // What is no number counts as the largest that may leave.
  "held-out-loss-sum": ({ heldOut: { lossSum } }) => (Number.isNaN(lossSum) ? Infinity : lossSum),
  "held-out-right": ({ heldOut }) => heldOut.right,
  "held-out-exact": ({ heldOut }) => heldOut.exact,
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
  const wanted = METRIC_NAMES.filter((name) => job.contract.metrics.some((metric) => metric.name === name));
  const metrics = Object.fromEntries(wanted.map((name) => [name, METRICS[name](trained)] as const));
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
