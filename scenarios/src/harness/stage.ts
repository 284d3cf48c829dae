/** Runs a scenario in a folder of its own and judges it: the report, and exit code 0 only if every promise held. */
import type { Json } from "@bulkhead/base";
import { EXIT, type ExitCode, renderReport } from "@bulkhead/console";
import { writeFileAtomic } from "@bulkhead/store";
import fs from "node:fs";
import path from "node:path";
import type { Scenario, ScenarioOptions, Stage } from "../scenario.ts";
import { killAll } from "./program.ts";

export interface Staging {
  /** The folder of the run; a fresh one under `runs/` by default. */
  readonly folder: string | undefined;
  readonly options: ScenarioOptions;
  readonly say: (line: string) => void;
}

type Promised = {
  readonly promise: string;
  readonly held: boolean;
  readonly facts: { readonly [name: string]: Json };
};

export const playScenario = async (
  scenario: Scenario,
  { folder, options, say }: Staging,
): Promise<ExitCode> => {
  const home = folder === undefined ? freshFolder(scenario.name) : path.resolve(folder);
  fs.mkdirSync(home, { recursive: true });
  const promises: Promised[] = [];
  const check: Stage["check"] = (promise, held, facts = {}) => {
    promises.push({ promise, held, facts });
    say(`${held ? "✓" : "✗"} ${promise}${held ? "" : ` ${JSON.stringify(facts)}`}`);
  };
  const started = Date.now();
  let body: { readonly [field: string]: Json | undefined } = {};
  try {
    body = await scenario.run({ folder: home, options, say, check });
  } catch (error) {
    check(`runs to its end (${error instanceof Error ? error.message : String(error)})`, false);
  } finally {
    killAll();
  }
  const held = promises.length > 0 && promises.every((promise) => promise.held);
  const report = path.join(home, "report.json");
  const head = { scenario: scenario.name, held, seconds: (Date.now() - started) / 1000, promises };
  await writeFileAtomic(report, renderReport({ kind: "scenario", version: 1 }, { ...head, ...body }));
  say(
    `${held ? "held" : "NOT HELD"}: ${promises.filter((promise) => promise.held).length} of ${promises.length} promises; ${report}`,
  );
  return held ? EXIT.done : EXIT.failed;
};

const freshFolder = (name: string): string => {
  const runs = path.join(process.cwd(), "runs");
  const stamp = new Date().toISOString().replaceAll(/[:.]/gu, "-");
  return path.join(runs, `${name}-${stamp}`);
};
