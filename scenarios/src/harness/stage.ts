/** Runs a scenario in a folder of its own and judges it: the report, and exit code 0 only if every promise held. */
import fs from "node:fs";
import path from "node:path";
import { InputError, type Json } from "@bulkhead/base";
import { EXIT, type ExitCode, renderReport, stopSignal } from "@bulkhead/console";
import { writeFileAtomic } from "@bulkhead/store";
import type { Scenario, ScenarioOptions, Stage } from "../scenario.ts";
import { killAll } from "./program.ts";

export interface Staging {
  /** The folder of the run, empty or absent; a fresh one under `runs/` by default. */
  readonly folder: string | undefined;
  readonly options: ScenarioOptions;
  readonly tell: (event: StageEvent) => void;
}

/** What happens on the stage, as it happens. */
export type StageEvent =
  | { readonly type: "said"; readonly line: string }
  | ({ readonly type: "promise" } & Promised)
  | {
      readonly type: "over";
      readonly held: boolean;
      readonly promises: number;
      readonly kept: number;
      readonly seconds: number;
      readonly report: string;
    };

interface Promised {
  readonly promise: string;
  readonly held: boolean;
  readonly facts: { readonly [name: string]: Json };
}

/** Throws a `StopRequested` after a signal, when every process is dead, and an {@link InputError} about the folder. */
export const playScenario = async (
  scenario: Scenario,
  { folder, options, tell }: Staging,
): Promise<ExitCode> => {
  const home = folder === undefined ? freshFolder(scenario.name) : path.resolve(folder);
  openHome(home);
  const promises: Promised[] = [];
  const check: Stage["check"] = (promise, held, facts = {}) => {
    promises.push({ promise, held, facts });
    tell({ type: "promise", promise, held, facts });
  };
  const say = (line: string) => tell({ type: "said", line });
  const started = performance.now();
  const body = await untilStopped(scenario.run({ folder: home, options, say, check }), (error) =>
    check(`runs to its end (${error instanceof Error ? error.message : String(error)})`, false),
  );
  const kept = promises.filter(({ held }) => held).length;
  const held = promises.length > 0 && kept === promises.length;
  const seconds = Math.round((performance.now() - started) / 10) / 100;
  const report = path.join(home, "report.json");
  const head = { scenario: scenario.name, held, seconds, promises: promises.map((one) => ({ ...one })) };
  await writeFileAtomic(report, renderReport({ kind: "scenario", version: 1 }, { ...head, ...body }));
  tell({ type: "over", held, promises: promises.length, kept, seconds, report });
  return held ? EXIT.done : EXIT.failed;
};

/** What the scenario gives, or what is made of its failure; in any case no process outlives it. */
const untilStopped = async <T extends object>(
  playing: Promise<T>,
  onError: (error: unknown) => void,
): Promise<Partial<T>> => {
  const stop = stopSignal();
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener("abort", () => reject(stop.reason));
  });
  try {
    return await Promise.race([playing, stopped]);
  } catch (error) {
    stop.throwIfAborted();
    onError(error);
    return {};
  } finally {
    killAll();
  }
};

const openHome = (home: string): void => {
  fs.mkdirSync(home, { recursive: true });
  if (fs.readdirSync(home).length === 0) return;
  throw new InputError({
    code: "path-not-empty",
    place: home,
    problem: "there is something in the folder already",
    cure: "name an empty one, or one that does not exist",
  });
};

const freshFolder = (name: string): string => {
  const stamp = new Date().toISOString().replaceAll(/[:.]/gu, "-");
  return path.join(process.cwd(), "runs", `${name}-${stamp}`);
};
