/** How an attempt begins: anew, known to the journal before anyone hears of it, or again from its journal and spool. */
import { InputError, type Secret } from "@bulkhead/base";
import {
  attemptContext,
  type AttemptName,
  type CoordinatorEffect,
  type CoordinatorEvent,
  type CoordinatorState,
  type Job,
  type Opening,
  resumeCoordinator,
  signPlan,
  type Step,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { RingEngine } from "@bulkhead/compute";
import { type Journal, makeFolder } from "@bulkhead/store";
import type { JobFolder } from "./job-folder.ts";
import { openAttemptJournal, type OpenedEntry } from "./journal/job-journal.ts";
import type { StepMachine } from "./run-round.ts";
import { openSpool, type Spool } from "./spool.ts";
import { Sum } from "./sum.ts";

/** The machine's functions; a scenario may put its own in their place, the product never does. */
export interface CoordinatorMachine {
  readonly open: (opening: Opening) => Step<CoordinatorState, CoordinatorEffect>;
  readonly step: StepMachine;
}

export interface AttemptTools {
  readonly job: Job;
  readonly folder: JobFolder;
  readonly engine: RingEngine;
  readonly machine: CoordinatorMachine;
  readonly providerSecretKey: Secret;
}

/** An attempt that can be run. */
export interface OpenAttempt {
  readonly start: Step<CoordinatorState, CoordinatorEffect>;
  readonly journal: Journal<CoordinatorEvent>;
  readonly spool: Spool;
  readonly sum: Sum;
  /** Whether masked inputs may have left a site in it. */
  readonly hadInputs: boolean;
}

/** Makes what a new attempt needs; the caller then tells the job's journal, and only after that anyone else. */
export const openNewAttempt = async (tools: AttemptTools, entry: OpenedEntry): Promise<OpenAttempt> => {
  const { journal, spool, sum } = await attemptParts(tools, entry, true);
  return { start: openedState(tools, entry), journal, spool, sum, hadInputs: false };
};

/** Folds the attempt's events into its state and its uploads into a fresh sum, and says what is to be done again. */
export const resumeAttempt = async (tools: AttemptTools, entry: OpenedEntry): Promise<OpenAttempt> => {
  const { journal, spool, sum } = await attemptParts(tools, entry, false);
  let { state } = openedState(tools, entry);
  let hadInputs = false;
  for (const event of journal.entries) {
    ({ state } = tools.machine.step(state, event));
    hadInputs ||= mayHaveInputs(state);
  }
  await refold(state, spool, sum);
  return { start: { state, effects: resumeCoordinator(state) }, journal, spool, sum, hadInputs };
};

/** From the inbox on, members may send what is masked. */
export const mayHaveInputs = ({ stage }: CoordinatorState): boolean =>
  stage !== "collecting-adverts" && stage !== "collecting-shares" && stage !== "void";

const attemptParts = async (
  { job, folder, engine }: AttemptTools,
  name: AttemptName,
  create: boolean,
): Promise<Pick<OpenAttempt, "journal" | "spool" | "sum">> => {
  const place = folder.attempt(name);
  await makeFolder(place.home);
  const journal = await openAttemptJournal(place.journal, job.contractHash, name, create);
  const spool = await openSpool(folder.spool(name), job.layout.byteLength);
  return { journal, spool, sum: new Sum(engine, job.layout) };
};

const openedState = (
  { job, machine, providerSecretKey }: AttemptTools,
  { round, attempt, modelHash, gone, leftOut }: OpenedEntry,
): Step<CoordinatorState, CoordinatorEffect> =>
  machine.open({
    context: attemptContext(job, { round, attempt }, modelHash),
    plan: signPlan({ round, attempt, contractHash: job.contractHash, modelHash }, providerSecretKey),
    gone: new Set(gone),
    leftOut: new Set(leftOut),
  });

const refold = async (state: CoordinatorState, spool: Spool, sum: Sum): Promise<void> => {
  const { byteLength } = state.context.job.layout;
  for (const [from, digest] of inSum(state)) {
    if (spool.check(from, { digest, byteLength }) !== "added") throw spoolDamaged(spool.fileOf(from));
    await sum.add(() => spool.pieces(from));
  }
};

/** Whose uploads are in the sum at this point, with their digests; nobody's once the sum itself is on the disk. */
const inSum = (state: CoordinatorState): readonly (readonly [MemberId, Uint8Array])[] => {
  switch (state.stage) {
    case "collecting-adverts":
    case "collecting-shares":
    case "published":
    case "void":
      return [];
    case "collecting-inputs":
      return [...state.trailers]
        .filter(([id]) => state.folded.has(id))
        .map(([id, { digest }]) => [id, digest] as const);
    case "collecting-agreements":
    case "collecting-reveals":
    case "unmasking":
      return [...state.trailers].map(([id, { digest }]) => [id, digest] as const);
  }
};

const spoolDamaged = (place: string): InputError =>
  new InputError({
    code: "state-damaged",
    place,
    problem: "an upload that was complete is not what it was",
    cure: "restore the state folder from a copy; check the disk",
  });
