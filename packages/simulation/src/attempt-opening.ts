/** How the simulated coordinator begins an attempt: anew with those who are ready, or again from what it has persisted. */
import {
  attemptContext,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  type Job,
  openAttempt,
  resumeCoordinator,
  signPlan,
  type Step,
  stepCoordinator,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { CoordinatorDisk, Opened } from "./coordinator-disk.ts";
import { STAGE_MS } from "./federation.ts";
import type { World } from "./world.ts";

export const nextOpening = (job: Job, disk: CoordinatorDisk, ready: readonly MemberId[]): Opened => {
  const named = new Set(disk.voids.flatMap(({ complaints }) => complaints));
  const kept = ready.filter((id) => !named.has(id));
  return {
    round: disk.applied.length + 1,
    attempt: disk.voids.length + 1,
    gone: job.members.map(({ id }) => id).filter((id) => !ready.includes(id)),
    // A complaint cannot be proven: where too few would be left, all are tried again.
    leftOut: kept.length >= job.least ? [...named] : [],
  };
};

export const openingStep = (
  { job, federation: people }: World,
  modelHash: Uint8Array,
  { round, attempt, gone, leftOut }: Opened,
): Step<CoordinatorState, CoordinatorEffect> =>
  openAttempt({
    context: attemptContext(job, { round, attempt }, modelHash),
    plan: signPlan({ round, attempt, contractHash: job.contractHash, modelHash }, people.providerKey),
    gone: new Set(gone),
    leftOut: new Set(leftOut),
  });

/** The state after all events that were persisted, what is to be done again, and whose uploads were in the sum. */
export const recovered = (opened: CoordinatorState, events: readonly CoordinatorEvent[]) => {
  const state = events.reduce((before, event) => stepCoordinator(before, event).state, opened);
  // Members have to come back first: the deadline waits for them too.
  const effects = resumeCoordinator(state).map((effect) =>
    effect.type === "set-deadline" ? { ...effect, afterMs: effect.afterMs + STAGE_MS } : effect,
  );
  return { state, effects, folded: foldedIn(state) };
};

const foldedIn = (state: CoordinatorState): Iterable<MemberId> => {
  switch (state.stage) {
    case "collecting-inputs":
      return state.folded;
    case "collecting-agreements":
    case "collecting-reveals":
    case "unmasking":
      return state.trailers.keys();
    case "collecting-adverts":
    case "collecting-shares":
    case "published":
    case "void":
      return [];
  }
};
