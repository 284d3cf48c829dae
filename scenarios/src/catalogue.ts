/** All scenarios by name. */
import { InputError } from "@bulkhead/base";
import { nearest } from "@bulkhead/console";
import { coordinatorCrash } from "./coordinator-crash.ts";
import { dropout } from "./dropout.ts";
import { languageModel } from "./language-model.ts";
import { maliciousCoordinator } from "./malicious-coordinator.ts";
import { quickstart } from "./quickstart.ts";
import type { Scenario } from "./scenario.ts";

export const SCENARIOS: readonly Scenario[] = [
  quickstart,
  languageModel,
  dropout,
  maliciousCoordinator,
  coordinatorCrash,
];

/** Throws an {@link InputError} that names what there is. */
export const findScenario = (name: string): Scenario => {
  const scenario = SCENARIOS.find((candidate) => candidate.name === name);
  if (scenario !== undefined) return scenario;
  const names = SCENARIOS.map((candidate) => candidate.name);
  const near = nearest(name, names);
  throw new InputError({
    code: "usage-unknown-scenario",
    place: `scenario ${name}`,
    problem: "there is none of this name",
    cure: near === undefined ? `choose one of ${names.join(", ")}` : `did you mean ${near}?`,
  });
};
