/** What a client remembers across rounds and restarts: its journal, folded. Counters and digests, no secret. */
import { equalBytes } from "@bulkhead/base";
import { type MemberId, toleratedColluders } from "@bulkhead/secagg";
import type { AttemptName } from "./context.ts";
import type { Job } from "./job.ts";
import type { ClientEntry } from "./step.ts";
import type { Reason } from "./reasons.ts";

export interface SignedSet extends AttemptName {
  readonly survivors: readonly MemberId[];
  readonly modelHash: Uint8Array;
}

export interface History {
  /** The latest attempt entered; none at or before it may be entered again. */
  readonly joined: AttemptName;
  /** Every set of survivors ever signed; a set that the coordinator called void counts like any other. */
  readonly signed: readonly SignedSet[];
  /** The latest round for which shares were released. */
  readonly revealed: number;
}

export const NO_HISTORY: History = { joined: { round: 0, attempt: 0 }, signed: [], revealed: 0 };

export const remember = (history: History, entry: ClientEntry): History => {
  switch (entry.type) {
    case "joined":
      return { ...history, joined: { round: entry.round, attempt: entry.attempt } };
    case "signed":
      return { ...history, signed: [...history.signed, entry] };
    case "revealed":
      return { ...history, revealed: entry.round };
  }
};

export const isAfter = (a: AttemptName, b: AttemptName): boolean =>
  a.round > b.round || (a.round === b.round && a.attempt > b.attempt);

/** Rounds apart from which sets on different models are no longer compared: gradients have moved on. */
const WINDOW = 50;

/**
 * The cohort rule [protocol.md 2.7]: the difference of two sums must not be one member's update. Two sets that differ,
 * by fewer than c + 2 members, from the same model refuse always; from models of different rounds only where the site
 * asks for it, since a member lost in one round makes such a pair by itself.
 */
export const cohortProblem = (
  job: Job,
  history: History,
  next: SignedSet,
  isStrict: boolean,
): Extract<Reason, { readonly code: "cohort-difference" }> | undefined => {
  const least = toleratedColluders(job.members.length) + 2;
  for (const earlier of history.signed) {
    const members = differenceOf(earlier.survivors, next.survivors);
    const isSameModel = equalBytes(earlier.modelHash, next.modelHash);
    const isTooNear = isStrict && members < least && next.round - earlier.round <= WINDOW;
    if (members > 0 && (isSameModel || isTooNear)) return { code: "cohort-difference", members, least };
  }
  return undefined;
};

const differenceOf = (a: readonly MemberId[], b: readonly MemberId[]): number =>
  a.filter((id) => !b.includes(id)).length + b.filter((id) => !a.includes(id)).length;
