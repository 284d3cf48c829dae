/** What a scenario is: a story with real processes that ends with checks, each of which held or did not. */
import type { Json } from "@bulkhead/base";

export interface Stage {
  /** A fresh folder for this run. */
  readonly folder: string;
  readonly options: ScenarioOptions;
  /** One line for a person. */
  readonly say: (line: string) => void;
  /** Notes whether a promise of the scenario held; the run goes on either way. */
  readonly check: (promise: string, held: boolean, facts?: { readonly [name: string]: Json }) => void;
}

export interface ScenarioOptions {
  /** Where a scenario trains. */
  readonly seeds: number;
  /** Where a scenario trains: the larger of its two sizes. */
  readonly isFull: boolean;
  /** Where a scenario is about crashes. */
  readonly rounds: number;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Gives the scenario's own part of `report.json`. Whatever it throws is a promise that did not hold. */
  readonly run: (stage: Stage) => Promise<{ readonly [field: string]: Json | undefined }>;
}
