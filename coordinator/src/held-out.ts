/** What the sums over all sites' held-out rows say of the models, for the report. */
import type { Json } from "@bulkhead/base";
import { figureOf, type HeldOutFigure } from "@bulkhead/party";
import type { Job } from "@bulkhead/protocol";
import type { Scalars } from "@bulkhead/secagg";

type JsonObject = { readonly [field: string]: Json | undefined };

/** Of the model after round `afterRound` (0: the base), judged in the round that followed; `undefined` where nobody judged. */
export const heldOutSummary = (afterRound: number, scalars: Scalars): JsonObject | undefined => {
  const loss = figureOf("held-out-loss", scalars);
  const accuracy = figureOf("held-out-accuracy", scalars);
  const exact = figureOf("held-out-exact", scalars);
  if (loss === undefined && accuracy === undefined && exact === undefined) return undefined;
  return {
    afterRound,
    ...(loss === undefined ? {} : { loss, perplexity: Math.exp(Math.min(loss, MOST_LOSS)) }),
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(exact === undefined ? {} : { exact }),
  };
};

/** Its exponential is still a number. */
const MOST_LOSS = 700;

/** After which round the model was best, by the contract's figure or else by loss; the earlier of equals. */
export const bestRound = (
  { contract }: Pick<Job, "contract">,
  rounds: readonly Json[],
): number | undefined => {
  const figure = contract.training.stopping?.figure ?? "held-out-loss";
  let best: { readonly round: number; readonly goodness: number } | undefined;
  for (const [round, summary] of rounds.entries()) {
    const goodness = goodnessIn(summary, figure);
    if (goodness !== undefined && (best === undefined || goodness > best.goodness))
      best = { round, goodness };
  }
  return best?.round;
};

/** A summary that an earlier version wrote may lack it. */
const goodnessIn = (summary: Json, figure: HeldOutFigure): number | undefined => {
  const heldOut: unknown = Reflect.get(Object(summary), "heldOut");
  const value: unknown = Reflect.get(Object(heldOut), figure.replace("held-out-", ""));
  if (typeof value !== "number") return undefined;
  return figure === "held-out-loss" ? -value : value;
};
