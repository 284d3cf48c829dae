/** Where this site stands in a job: its journal, folded. */
import { equalBytes, InputError } from "@bulkhead/base";
import { type History, NO_HISTORY, remember } from "@bulkhead/protocol";
import type { AppliedEntry, CellEntry } from "./journal.ts";

/** What has left, or may have: of masked updates alone. */
export interface Spent {
  readonly bytes: number;
  readonly rounds: number;
  /** The latest round in which an update was masked, and how often it was. */
  readonly round: number;
  readonly attempts: number;
}

export interface Progress {
  readonly history: History;
  readonly spent: Spent;
  /** Digest of the model after each round, from round 1 on. */
  readonly applied: readonly Uint8Array[];
}

export const NO_PROGRESS: Progress = {
  history: NO_HISTORY,
  spent: { bytes: 0, rounds: 0, round: 0, attempts: 0 },
  applied: [],
};

export const progressAfter = (progress: Progress, entry: CellEntry): Progress => {
  switch (entry.type) {
    case "masked":
      return { ...progress, spent: spentAfter(progress.spent, entry) };
    case "applied":
      return { ...progress, applied: [...progress.applied, entry.modelHash] };
    case "joined":
    case "signed":
    case "revealed":
      return { ...progress, history: remember(progress.history, entry) };
  }
};

const spentAfter = (
  spent: Spent,
  { round, bytes }: { readonly round: number; readonly bytes: number },
): Spent => {
  const isSameRound = round === spent.round;
  return {
    bytes: spent.bytes + bytes,
    rounds: spent.rounds + (isSameRound ? 0 : 1),
    round,
    attempts: isSameRound ? spent.attempts + 1 : 1,
  };
};

/** Throws an {@link InputError} where the entries cannot be one journal: rounds are applied in sequence. */
export const progressOf = (entries: readonly CellEntry[], place: string): Progress => {
  let progress = NO_PROGRESS;
  for (const entry of entries) {
    if (entry.type === "applied" && entry.round !== progress.applied.length + 1) throw damaged(place, entry);
    progress = progressAfter(progress, entry);
  }
  return progress;
};

/** Whether a model is the one that the journal has for this round; `undefined` where it has none. */
export const isSameAsBefore = (
  { applied }: Progress,
  { round, modelHash }: Pick<AppliedEntry, "round" | "modelHash">,
): boolean | undefined => {
  const before = applied[round - 1];
  return before && equalBytes(before, modelHash);
};

const damaged = (place: string, { round }: AppliedEntry): InputError =>
  new InputError({
    code: "state-damaged",
    place,
    problem: `round ${round} is applied out of sequence`,
    cure: "restore the state folder from a copy",
  });
