export { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from "./coordinator.ts";
export {
  type CoordinatorEvents,
  type CoordinatorLog,
  logTransition,
  memberLog,
  transitionLog,
  turnedAwayLog,
} from "./coordinator-log.ts";
export { loadCoordinatorConfig } from "./config.ts";
export { draftContract } from "./contract/draft-contract.ts";
export { loadJobDescription } from "./job-description.ts";
export { type JobEntry, jobEntryCodec, type VoidEntry } from "./journal/job-journal.ts";
export { dealersToLeaveOut, nextAttempt, NO_PROGRESS, progressAfter } from "./journal/progress.ts";
export type { CoordinatorMachine } from "./open-round.ts";
export { Outbox, type OutboxOptions } from "./outbox.ts";
export { program } from "./program.ts";
export { progressLog } from "./progress-log.ts";
export type { RunEnd } from "./report.ts";
export { openSpool, type Spool } from "./spool.ts";
