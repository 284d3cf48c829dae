/** `bulkhead-scenario`: lists the stories and runs one. */
import { InputError } from "@bulkhead/base";
import { nearest, renderTable, runMain } from "@bulkhead/console";
import { Command } from "commander";
import { playScenario } from "./harness/stage.ts";
import type { Scenario } from "./scenario.ts";
import { coordinatorCrash } from "./coordinator-crash.ts";
import { dropout } from "./dropout.ts";

const SCENARIOS: readonly Scenario[] = [dropout, coordinatorCrash];

const find = (name: string): Scenario => {
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

const count = (text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= 100) return value;
  throw new InputError({
    code: "usage-option",
    place: "--seeds",
    problem: "not a number from 1 to 100",
    cure: "give how many seeds to play",
  });
};

runMain(async (args) => {
  let exitCode = 0;
  const program = new Command("bulkhead-scenario")
    .description("Plays whole federations with real processes over real sockets, and judges them.")
    .exitOverride();
  program
    .command("list")
    .description("Name what can be played.")
    .option("--json", "one line of JSON")
    .action(({ json }: { readonly json?: true }) => {
      const rows = SCENARIOS.map(({ name, summary }) => ({ name, summary }));
      console.log(
        json
          ? JSON.stringify(rows)
          : renderTable({ head: ["name", "story"], rows: rows.map((row) => [row.name, row.summary]) }),
      );
    });
  program
    .command("run <name>")
    .description("Play one. Exit code 0 only if everything that it promises held.")
    .option("--seeds <n>", "how many seeds, where a scenario trains", count, 1)
    .option("--out <folder>", "the folder of the run (default: a fresh one under runs/)")
    .option("--json", "lines of JSON")
    .addHelpText("after", "\nExample:\n  $ npx bulkhead-scenario run dropout")
    .action(
      async (
        name: string,
        options: { readonly seeds: number; readonly out?: string; readonly json?: true },
      ) => {
        exitCode = await playScenario(find(name), {
          folder: options.out,
          options: { seeds: options.seeds },
          say: (line) => console.log(options.json ? JSON.stringify({ line }) : line),
        });
      },
    );
  await program.parseAsync([...args], { from: "user" });
  return exitCode;
});
