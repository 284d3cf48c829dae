/** The numbers that a site can put into a sum besides its update, by their names in contracts. */
import { InputError } from "@bulkhead/base";
import type { Contract } from "@bulkhead/protocol";

/** Of the round's own training, then of the rows that are held out of it, judged with the model that the round begins with. */
export const METRIC_NAMES = [
  "examples",
  "loss-sum",
  "held-out-rows",
  "held-out-answers",
  "held-out-loss-sum",
  "held-out-right",
  "held-out-exact",
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** Throws an {@link InputError} `contract-metric` where the contract wants a number that no site can give. */
export const expectKnownMetrics = ({ job, metrics }: Pick<Contract, "job" | "metrics">): void => {
  const unknown = metrics.find(({ name }) => !METRIC_NAMES.some((known) => known === name));
  if (unknown === undefined) return;
  throw new InputError({
    code: "contract-metric",
    place: `contract ${job}`,
    problem: `it asks for a metric ${unknown.name}, which this program does not know`,
    cure: `draft it with ${METRIC_NAMES.join(", ")}`,
  });
};
