export { type CoordinatorOptions, type RunningCoordinator, startCoordinator } from "./coordinator.ts";
export type { CoordinatorEvents, CoordinatorLog } from "./coordinator-log.ts";
export type { CoordinatorMachine } from "./open-round.ts";
export type { RunEnd } from "./report.ts";
