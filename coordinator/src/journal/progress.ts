/** Where a job stands: its journal, folded. */
import { invariant } from "@bulkhead/base";
import type { MemberId } from "@bulkhead/secagg";
import type { AppliedEntry, JobEntry, OpenedEntry, VoidEntry } from "./job-journal.ts";

export interface Progress {
  /** Every round that is in the model, from round 1 on. */
  readonly applied: readonly AppliedEntry[];
  /** Attempts of the round after these that ended without a sum, in order. */
  readonly voids: readonly VoidEntry[];
  /** An attempt that has not ended. */
  readonly opened: OpenedEntry | undefined;
}

export const NO_PROGRESS: Progress = { applied: [], voids: [], opened: undefined };

export const progressAfter = (progress: Progress, entry: JobEntry): Progress => {
  switch (entry.type) {
    case "opened":
      return { ...progress, opened: entry };
    case "void":
      return { ...progress, voids: [...progress.voids, entry], opened: undefined };
    case "applied":
      invariant(entry.round === progress.applied.length + 1, "rounds are applied in sequence");
      return { applied: [...progress.applied, entry], voids: [], opened: undefined };
  }
};

/** The number of the next attempt of the round: one more than any that was ever opened. */
export const nextAttempt = ({ voids, opened }: Progress): number =>
  (opened?.attempt ?? voids.at(-1)?.attempt ?? 0) + 1;

/**
 * Dealers to leave out of the next attempt. A complaint cannot be proven: where too few of those who are `ready` would
 * be left without the ones named, all are tried again.
 */
export const dealersToLeaveOut = (
  { voids }: Progress,
  { ready, least }: { readonly ready: ReadonlySet<MemberId>; readonly least: number },
): readonly MemberId[] => {
  const named = [...new Set(voids.flatMap(({ complaints }) => complaints))].sort((a, b) => a - b);
  return [...ready].filter((id) => !named.includes(id)).length >= least ? named : [];
};
