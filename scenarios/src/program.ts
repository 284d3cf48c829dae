/** The commands, their options and their help. */
import { InputError } from "@bulkhead/base";
import { EXIT, humanSeconds, type Program, renderTable } from "@bulkhead/console";
import { Command, Option } from "commander";
import { findScenario, SCENARIOS } from "./catalogue.ts";
import { playScenario, type StageEvent } from "./harness/stage.ts";
import { artefact } from "./mail/artefact.ts";
import { loadMailSites, type SiteCounts, writeMailSites } from "./mail/mail-sites.ts";

interface JsonOption {
  readonly json?: true;
}

/** From its arguments to its exit code; throws what `runMain` tells. */
export const program: Program = async (args) => {
  let exitCode: number = EXIT.done;
  const root = new Command("bulkhead-scenario")
    .description("Plays whole federations with real processes over real sockets, and judges them.")
    .exitOverride()
    // It is told by runMain, as every failure is.
    .configureOutput({ outputError: () => undefined })
    .addHelpText("after", exampleText("npx bulkhead-scenario list", "npx bulkhead-scenario run dropout"));
  addList(root);
  addRun(root, (code) => (exitCode = code));
  addData(root);
  await root.parseAsync([...args], { from: "user" });
  return exitCode;
};

const exampleText = (...lines: readonly string[]): string =>
  `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;

const addList = (root: Command): void => {
  root
    .command("list")
    .description("Name what can be played.")
    .option("--json", "for machines: JSON")
    .addHelpText("after", exampleText("npx bulkhead-scenario list"))
    .action(({ json }: JsonOption) => {
      const rows = SCENARIOS.map(({ name, summary }) => ({ name, summary }));
      console.log(
        json
          ? JSON.stringify(rows)
          : renderTable({ head: ["name", "story"], rows: rows.map((row) => [row.name, row.summary]) }),
      );
    });
};

interface RunOptions extends JsonOption {
  readonly seeds: number;
  readonly rounds: number;
  readonly quick?: true;
  readonly full?: true;
  readonly out?: string;
}

const addRun = (root: Command, ends: (exitCode: number) => void): void => {
  root
    .command("run <name>")
    .description("Play one. Exit code 0 only if everything that it promises held.")
    .option("--seeds <n>", "how many seeds, where a scenario trains", countOf("--seeds", "seeds"), 1)
    .option("--quick", "the small size, where a scenario trains (default)")
    .addOption(new Option("--full", "the large size, where a scenario trains").conflicts("quick"))
    .option("--rounds <n>", "how many rounds of coordinator-crash", countOf("--rounds", "rounds"), 2)
    .option("--out <dir>", "the folder of the run, empty or absent (default: a fresh one under runs/)")
    .option("--json", "for machines: lines of JSON")
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-scenario run dropout",
        "npx bulkhead-scenario run quickstart --seeds 3",
        "npx bulkhead-scenario run language-model --full",
      ),
    )
    .action(async (name: string, { seeds, rounds, full, out, json }: RunOptions) => {
      const tell = json ? tellMachine : tellPerson;
      const options = { seeds, rounds, isFull: full === true };
      ends(await playScenario(findScenario(name), { folder: out, options, tell }));
    });
};

const tellMachine = (event: StageEvent): void => console.log(JSON.stringify(event));

const tellPerson = (event: StageEvent): void => console.log(wordsOf(event));

const wordsOf = (event: StageEvent): string => {
  switch (event.type) {
    case "said":
      return event.line;
    case "promise":
      return event.held ? `✓ ${event.promise}` : `✗ ${event.promise} ${JSON.stringify(event.facts)}`;
    case "over": {
      const { held, promises, kept, seconds, report } = event;
      const all = `${kept} of ${promises} promises, ${humanSeconds(seconds)}`;
      return `${held ? "held" : "NOT HELD"}: ${all}; report: ${report}`;
    }
  }
};

const addData = (root: Command): void => {
  const data = root
    .command("data")
    .description("Data to try the product with.")
    .addHelpText("after", exampleText("npx bulkhead-scenario data mail --out demo/mail"));
  data
    .command("mail")
    .description("Write the mail of three enterprises as JSON Lines, and fetch the encoder that reads it.")
    .requiredOption("--out <dir>", "gets <site>/train.jsonl and <site>/test.jsonl for each site")
    .option("--json", "for machines: JSON")
    .addHelpText("after", exampleText("npx bulkhead-scenario data mail --out demo/mail"))
    .action(async ({ out, json }: JsonOption & { readonly out: string }) => {
      const model = await artefact("minilm");
      const sites = await writeMailSites(out, await loadMailSites());
      if (json) console.log(JSON.stringify({ out, model, sites }));
      else console.log([mailTable(sites), `Mail: ${out}`, `Encoder: ${model}`].join("\n"));
    });
};

const mailTable = (sites: readonly SiteCounts[]): string =>
  renderTable({
    head: ["site", "train ham", "train spam", "test ham", "test spam"],
    rows: sites.map(({ site, train, test }) => [site, train.ham, train.spam, test.ham, test.spam]),
  });

const countOf =
  (place: string, what: string) =>
  (text: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= 1 && value <= 100) return value;
    throw new InputError({
      code: "usage-option",
      place,
      problem: "not a number from 1 to 100",
      cure: `give how many ${what} to play`,
    });
  };
