/** How much may leave: the contract's bounds and the site's own, whichever is narrower. Counted by the journal. */
import type { Job, Reason } from "@bulkhead/protocol";
import type { SitePolicy } from "../policy.ts";
import type { Spent } from "./progress.ts";

type BudgetProblem = Extract<Reason, { readonly code: "budget-spent" }>;

/** Why one more masked update of this round may not be made; asked before its first byte is. */
export const budgetProblem = (
  { contract, layout }: Pick<Job, "contract" | "layout">,
  policy: SitePolicy,
  spent: Spent,
  round: number,
): BudgetProblem | undefined => {
  const { egress, training } = contract;
  const isSameRound = spent.round === round;
  const attempts = (isSameRound ? spent.attempts : 0) + 1;
  const rounds = spent.rounds + (isSameRound ? 0 : 1);
  if (spent.bytes + layout.byteLength > Math.min(egress.bytes, policy.mostBytes ?? Infinity))
    return { code: "budget-spent", what: "bytes" };
  if (rounds > Math.min(training.rounds, policy.mostRounds ?? Infinity))
    return { code: "budget-spent", what: "rounds" };
  if (attempts > Math.min(egress.attemptsPerRound, policy.mostAttemptsPerRound ?? Infinity))
    return { code: "budget-spent", what: "attempts" };
  return undefined;
};
