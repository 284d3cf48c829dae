/** The commands, their options and their help. What they do stands in `commands/`. */
import type { Program } from "@bulkhead/console";
import {
  commandProgram,
  doctor,
  type EngineFlags,
  type Ends,
  exampleText,
  exportIdentity,
  JSON_OPTION,
  later,
  type PassphraseFlags,
  passphraseSourceOf,
  showIdentity,
  withEngine,
  withPassphrase,
} from "@bulkhead/party";
import type { Command } from "commander";
import { loadCoordinatorConfig } from "./config.ts";
import { addModel } from "./model-program.ts";

const init = later(async () => (await import("./commands/init.ts")).init);
const draft = later(async () => (await import("./commands/contract.ts")).draft);
const sign = later(async () => (await import("./commands/contract.ts")).sign);
const gather = later(async () => (await import("./commands/contract.ts")).gather);
const show = later(async () => (await import("./commands/contract.ts")).show);
const start = later(async () => (await import("./commands/start.ts")).start);
const showStatus = later(async () => (await import("./commands/status.ts")).showStatus);
const showReport = later(async () => (await import("./commands/report.ts")).showReport);

const CONFIG = ["--config <file>", "coordinator.yaml"] as const;

export const program: Program = commandProgram({
  name: "bulkhead-coordinator",
  description: "The model provider's side of a federation: contracts, rounds, checkpoints.",
  example: "npx bulkhead-coordinator init --folder provider --name provider",
  add: (root, ends) => {
    addInit(root, ends);
    addIdentity(root, ends);
    addContract(root, ends);
    addModel(root, ends);
    addRunning(root, ends);
    addDoctor(root, ends);
  },
});

const addInit = (root: Command, ends: Ends): void => {
  withPassphrase(root.command("init"))
    .description("Make the provider's identity, a documented coordinator.yaml and a job.yaml to fill in.")
    .requiredOption("--folder <dir>", "where they are put; made if missing")
    .requiredOption("--name <name>", "the provider's name in contracts")
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-coordinator init --folder provider --name provider"))
    .action(
      ends((options: PassphraseFlags & { readonly folder: string; readonly name: string; json?: true }) =>
        init({ ...options, passphrase: passphraseSourceOf(options) }),
      ),
    );
};

const addIdentity = (root: Command, ends: Ends): void => {
  const identity = root
    .command("identity")
    .description("The provider's identity.")
    .addHelpText(
      "after",
      exampleText("npx bulkhead-coordinator identity show --config provider/coordinator.yaml"),
    );
  identity
    .command("show")
    .description("Name, key and safety number, to compare with the sites.")
    .requiredOption(...CONFIG)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-coordinator identity show --config provider/coordinator.yaml"),
    )
    .action(ends(async ({ config, json }: ConfigFlags) => showIdentity(await identityOf(config), json)));
  identity
    .command("export")
    .description("The public part, for others.")
    .requiredOption(...CONFIG)
    .option("--out <file>", "where to; stdout if absent")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-coordinator identity export --config provider/coordinator.yaml --out provider.identity.json",
      ),
    )
    .action(
      ends(async ({ config, out, json }: ConfigFlags & { readonly out?: string }) =>
        exportIdentity(await identityOf(config), out, json),
      ),
    );
};

interface ConfigFlags {
  readonly config: string;
  readonly json?: true;
}

const identityOf = async (file: string): Promise<string> =>
  (await loadCoordinatorConfig(file)).config.identity;

const addContract = (root: Command, ends: Ends): void => {
  const contract = root
    .command("contract")
    .description("Draft, sign, gather and read contracts.")
    .addHelpText("after", exampleText("npx bulkhead-coordinator contract show contract.json"));
  withPassphrase(contract.command("draft"))
    .description("Make contract.json and initial.safetensors from a job description.")
    .requiredOption(...CONFIG)
    .requiredOption("--job <file>", "job.yaml")
    .option(
      "--member <file>",
      "a site's public identity, again for each site; in place of those in job.yaml",
      more,
    )
    .requiredOption("--out <dir>", "the folder for both")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-coordinator contract draft --config provider/coordinator.yaml --job job.yaml --out contract",
      ),
    )
    .action(ends(draft));
  withPassphrase(contract.command("sign").argument("<contract>", "contract.json"))
    .description("Sign a contract as the provider.")
    .requiredOption(...CONFIG)
    .requiredOption("--out <file>", "the signature's file")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-coordinator contract sign contract/contract.json --config provider/coordinator.yaml --out provider.signature.json",
      ),
    )
    .action((file: string, options: PassphraseFlags & { readonly config: string; readonly out: string }) =>
      ends(sign)({ ...options, contract: file, passphrase: passphraseSourceOf(options) }),
    );
  addGathering(contract, ends);
};

const addGathering = (contract: Command, ends: Ends): void => {
  contract
    .command("gather")
    .argument("<contract>", "contract.json")
    .argument("[signatures...]", "signature files, of every party")
    .description("Put a contract and everybody's signatures into one file, each verified.")
    .requiredOption("--out <file>", "signed-contract.json")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-coordinator contract gather contract/contract.json *.signature.json --out contract/signed-contract.json",
      ),
    )
    .action((file: string, signatures: readonly string[], options: { readonly out: string; json?: true }) =>
      ends(gather)({ ...options, contract: file, signatures }),
    );
  contract
    .command("show")
    .argument("<file>", "contract.json or signed-contract.json")
    .description("Say in plain words what a contract allows.")
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-coordinator contract show contract/contract.json"))
    .action((file: string, options: { readonly json?: true }) => ends(show)({ ...options, contract: file }));
};

const addRunning = (root: Command, ends: Ends): void => {
  withEngine(withPassphrase(root.command("start")))
    .description("Run a contract's rounds, or go on with them after a stop or a crash.")
    .requiredOption(...CONFIG)
    .requiredOption("--contract <file>", "signed-contract.json, with everybody's signature")
    .option("--initial <file>", "the initial model; initial.safetensors beside the contract if absent")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-coordinator start --config provider/coordinator.yaml --contract contract/signed-contract.json",
      ),
    )
    .action(
      ends(
        (
          options: PassphraseFlags &
            EngineFlags & {
              readonly config: string;
              readonly contract: string;
              readonly initial?: string;
              readonly json?: true;
            },
        ) => start({ ...options, passphrase: passphraseSourceOf(options) }),
      ),
    );
  root
    .command("status")
    .description("What the coordinator of this config is doing.")
    .requiredOption(...CONFIG)
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-coordinator status --config provider/coordinator.yaml"))
    .action(ends(showStatus));
  root
    .command("report")
    .description("What a job gave: rounds, survivors, bytes, times.")
    .requiredOption(...CONFIG)
    .option("--contract <file>", "of which job; the latest if absent")
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-coordinator report --config provider/coordinator.yaml"))
    .action(ends(showReport));
};

/** An option that may be given again and again. */
const more = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

const addDoctor = (root: Command, ends: Ends): void => {
  root
    .command("doctor")
    .description("What this machine can compute with, how fast, and what would cure what it cannot.")
    .option("--contract <file>", "a contract whose rounds are estimated")
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-coordinator doctor --contract contract.json"))
    .action(
      ends(({ contract, json }: { readonly contract?: string; json?: true }) =>
        doctor({ side: "coordinator", contract, json }),
      ),
    );
};
