/** How a run ended, in the words of {@link News}. */
import { InputError } from "@bulkhead/base";
import { type ClientState, type Reason, type ReasonCode, reasonText } from "@bulkhead/protocol";
import type { OutcomeType } from "../news.ts";
import type { DeskEnd } from "./pipe-desk.ts";

export interface CellOutcome {
  readonly outcome: OutcomeType;
  /** Stable. */
  readonly code?: string;
  /** One sentence for a person of this site. */
  readonly detail?: string;
}

/** Of a machine that is over, except `applied`: then another round follows. */
export const outcomeOfState = (
  state: Extract<ClientState, { readonly stage: "finished" | "aborted" }>,
): CellOutcome => (state.stage === "aborted" ? outcomeOfReason(state.reason) : outcomeOfFinish(state.code));

export const outcomeOfReason = (reason: Reason): CellOutcome => ({
  outcome: OUTCOME_BY_CODE[reason.code] ?? "refused",
  code: reason.code,
  detail: reasonText(reason),
});

/** All others are this site's refusals. */
const OUTCOME_BY_CODE: Readonly<Partial<Record<ReasonCode, OutcomeType>>> = {
  stopped: "stopped",
  "consent-withdrawn": "withdrawn",
  "training-failed": "failed",
  "masking-failed": "failed",
  internal: "failed",
};

export const outcomeOfFinish = (code: "done" | "failed"): CellOutcome => {
  switch (code) {
    case "done":
      return { outcome: "done" };
    case "failed":
      return { outcome: "job-failed", code: "job-failed", detail: "the job cannot be gone on with" };
  }
};

export const outcomeOfEnd = (end: DeskEnd): CellOutcome => ({ ...ENDS[end], code: end });

const ENDS: Readonly<Record<DeskEnd, Omit<CellOutcome, "code">>> = {
  unreachable: { outcome: "unreachable", detail: "the coordinator could not be reached" },
  "not-let-in": { outcome: "unreachable", detail: "the coordinator did not let this site in" },
  replaced: { outcome: "failed", detail: "another process of this member has taken its place" },
  failed: { outcome: "failed", detail: "the gateway failed" },
  abandoned: { outcome: "stopped", detail: "the process that started this one is gone" },
};

/** Families of codes that refuse; see docs/exit-codes.md. */
const REFUSING = /^(contract|policy|peer|abort)-/u;

/** What is no {@link InputError} is a bug, and stays out of what is told: its message may hold anything. */
export const outcomeOfError = (error: unknown): CellOutcome => {
  if (!(error instanceof InputError))
    return {
      outcome: "failed",
      code: "internal-error",
      detail: "this is a bug; the cell's own output has its trace",
    };
  const { code, place, problem } = error;
  return {
    outcome: REFUSING.test(code) ? "refused" : "failed",
    code,
    detail: `${place}: ${problem}`,
  };
};
