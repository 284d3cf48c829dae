/** What every place of the coordinator has in common, and how an attempt ends without a sum. */
import type { MemberId } from "@bulkhead/secagg";
import type { AttemptContext } from "./context.ts";
import type { CoordinatorMessage, MessageOf, VoidCode } from "./messages.ts";
import type { Reason } from "./reasons.ts";
import type { CoordinatorEffect, Step } from "./step.ts";

export interface Attempt {
  readonly context: AttemptContext;
  readonly plan: MessageOf<CoordinatorMessage, "plan">;
  /** Members whose link is lost for good or who left: nobody waits for them. */
  readonly gone: ReadonlySet<MemberId>;
  /** Dealers named by a holder of a bad share: left out of the next attempt. */
  readonly complaints: ReadonlySet<MemberId>;
}

export interface Void extends Attempt {
  readonly stage: "void";
  readonly reason: Reason & { readonly code: VoidCode };
  /** Whether a survivor may have signed: then no other attempt of the round can succeed. */
  readonly isFinal: boolean;
}

/** Ends the attempt without a sum: everybody is told, nothing has been revealed. */
export const voidAttempt = (
  { context, plan, gone, complaints }: Attempt,
  reason: Reason & { readonly code: VoidCode },
  isFinal = false,
): Step<Void, CoordinatorEffect> => ({
  state: { stage: "void", context, plan, gone, complaints, reason, isFinal },
  effects: [
    { type: "clear-deadline" },
    { type: "note", from: undefined, reason },
    ...toAll(
      context.job.members.map(({ id }) => id),
      { type: "void", ...nameOf(context), code: reason.code },
    ),
  ],
});

export const nameOf = ({
  round,
  attempt,
}: AttemptContext): { readonly round: number; readonly attempt: number } => ({
  round,
  attempt,
});

export const toAll = (to: Iterable<MemberId>, message: CoordinatorMessage): readonly CoordinatorEffect[] =>
  [...to].map((id) => ({ type: "send", to: id, message }));

/** Those of `from` that are not in `without`, in the order of `from`. */
export const except = (from: Iterable<MemberId>, without: ReadonlySet<MemberId>): readonly MemberId[] =>
  [...from].filter((id) => !without.has(id));

export const tooFew = (stage: string, present: number, needed: number) =>
  ({ code: "too-few-members", stage, present, needed }) as const;
