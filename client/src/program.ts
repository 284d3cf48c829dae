/** The commands, their options and their help. What they do stands in `commands/`. */
import type { Program } from "@bulkhead/console";
import {
  commandProgram,
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
import { loadSiteConfig } from "./config.ts";

const init = later(async () => (await import("./commands/init.ts")).init);
const listPeers = later(async () => (await import("./commands/peers.ts")).listPeers);
const verifyPeer = later(async () => (await import("./commands/peers.ts")).verifyPeer);
const review = later(async () => (await import("./commands/contract.ts")).review);
const sign = later(async () => (await import("./commands/contract.ts")).sign);
const previewData = later(async () => (await import("./commands/preview.ts")).previewData);
const checkData = later(async () => (await import("./commands/data.ts")).checkData);
const examine = later(async () => (await import("./commands/doctor.ts")).examine);
const run = later(async () => (await import("./commands/run.ts")).run);
const leave = later(async () => (await import("./commands/leave.ts")).leave);
const showStatus = later(async () => (await import("./commands/status.ts")).showStatus);

const CONFIG = ["--config <file>", "site.yaml"] as const;
const CONTRACT = ["--contract <file>", "contract.json or signed-contract.json"] as const;
const SIGNED_CONTRACT = ["--contract <file>", "signed-contract.json, with everybody's signature"] as const;

export const program: Program = commandProgram({
  name: "bulkhead-client",
  description: "An enterprise's side of a federation: no row leaves it.",
  example: "npx bulkhead-client init --folder north --name north --data mail.jsonl --model minilm",
  add: (root, ends) => {
    addInit(root, ends);
    addIdentity(root, ends);
    addPeers(root, ends);
    addContract(root, ends);
    addData(root, ends);
    addRunning(root, ends);
    addDoctor(root, ends);
  },
});

interface ConfigFlags {
  readonly config: string;
  readonly json?: true;
}

interface ContractFlags extends ConfigFlags {
  readonly contract: string;
}

const addInit = (root: Command, ends: Ends): void => {
  type Flags = PassphraseFlags & Omit<Parameters<typeof init>[0], "passphrase">;
  withPassphrase(root.command("init"))
    .description("Make the site's identity and a documented site.yaml.")
    .requiredOption("--folder <dir>", "where they are put; made if missing")
    .requiredOption("--name <name>", "the site's name in contracts")
    .option("--data <file>", "the rows to train on: a .jsonl or .csv file, or a glob in quotes")
    .option("--model <dir>", "the base model, in Hugging Face layout")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client init --folder north --name north --data mail.jsonl --model minilm"),
    )
    .action(ends((flags: Flags) => init({ ...flags, passphrase: passphraseSourceOf(flags) })));
};

const addIdentity = (root: Command, ends: Ends): void => {
  const identity = root
    .command("identity")
    .description("The site's identity.")
    .addHelpText("after", exampleText("npx bulkhead-client identity show --config north/site.yaml"));
  identity
    .command("show")
    .description("Name, key and safety number, to compare with the others.")
    .requiredOption(...CONFIG)
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-client identity show --config north/site.yaml"))
    .action(ends(async ({ config, json }: ConfigFlags) => showIdentity(await identityOf(config), json)));
  identity
    .command("export")
    .description("The public part, for the provider's contract.")
    .requiredOption(...CONFIG)
    .option("--out <file>", "where to; stdout if absent")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client identity export --config north/site.yaml --out north.identity.json"),
    )
    .action(
      ends(async ({ config, out, json }: ConfigFlags & { readonly out?: string }) =>
        exportIdentity(await identityOf(config), out, json),
      ),
    );
};

const identityOf = async (file: string): Promise<string> => (await loadSiteConfig(file)).config.identity;

const addPeers = (root: Command, ends: Ends): void => {
  const peers = root
    .command("peers")
    .description("The other parties of a contract, and whose key was compared.")
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client peers list --config north/site.yaml --contract contract.json"),
    );
  peers
    .command("list")
    .description("Every party with its safety number, and whether it is verified here.")
    .requiredOption(...CONFIG)
    .requiredOption(...CONTRACT)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client peers list --config north/site.yaml --contract contract.json"),
    )
    .action(ends(listPeers));
  peers
    .command("verify")
    .description(
      "Compare a party's safety number with the one it has told you another way, and mark it verified.",
    )
    .requiredOption(...CONFIG)
    .requiredOption(...CONTRACT)
    .requiredOption("--name <name>", "the party's name in the contract")
    .option("--safety-number <digits>", "the number it has told; asked for at the terminal if absent")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-client peers verify --config north/site.yaml --contract contract.json --name east",
      ),
    )
    .action(ends(verifyPeer));
};

const addContract = (root: Command, ends: Ends): void => {
  const contract = root
    .command("contract")
    .description("Read and sign contracts.")
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client contract review contract.json --config north/site.yaml"),
    );
  contract
    .command("review")
    .argument("<contract>", "contract.json or signed-contract.json")
    .description("Say in plain words what would leave this site and what not, and whether it may be signed.")
    .requiredOption(...CONFIG)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client contract review contract.json --config north/site.yaml"),
    )
    .action((file: string, flags: ConfigFlags) => ends(review)({ ...flags, contract: file }));
  withPassphrase(contract.command("sign").argument("<contract>", "contract.json"))
    .description("Sign a contract as this site, unless its review refuses it.")
    .requiredOption(...CONFIG)
    .requiredOption("--out <file>", "the signature's file")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-client contract sign contract.json --config north/site.yaml --out north.signature.json",
      ),
    )
    .action((file: string, flags: ConfigFlags & PassphraseFlags & { readonly out: string }) =>
      ends(sign)({ ...flags, contract: file, passphrase: passphraseSourceOf(flags) }),
    );
};

const addData = (root: Command, ends: Ends): void => {
  const data = root
    .command("data")
    .description("The site's rows.")
    .addHelpText("after", exampleText("npx bulkhead-client data check --config north/site.yaml"));
  data
    .command("preview")
    .description("Show some rows as a contract's language model reads them, and what it learns of each.")
    .requiredOption(...CONFIG)
    .requiredOption(...CONTRACT)
    .option("--rows <count>", "how many, from the first", "5")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client data preview --config north/site.yaml --contract contract.json"),
    )
    .action(ends(previewData));
  data
    .command("check")
    .description("Read all rows as a run would, and say what was found: labels, bad rows, cut texts.")
    .requiredOption(...CONFIG)
    .option("--contract <file>", "a contract whose classes the labels have to fit")
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-client data check --config north/site.yaml"))
    .action(ends(checkData));
};

const addRunning = (root: Command, ends: Ends): void => {
  withEngine(withPassphrase(root.command("run")))
    .description("Take part in a contract's rounds, or go on with them after a stop or a crash.")
    .requiredOption(...CONFIG)
    .requiredOption(...SIGNED_CONTRACT)
    .option("--run-id <id>", "the same id is the same run, for schedulers; the contract's own if absent")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client run --config north/site.yaml --contract signed-contract.json"),
    )
    .action(
      ends((flags: ContractFlags & PassphraseFlags & EngineFlags & { readonly runId?: string }) =>
        run({ ...flags, passphrase: passphraseSourceOf(flags) }),
      ),
    );
  withPassphrase(root.command("leave"))
    .description(
      "Withdraw consent: nothing further leaves this site under the contract, and the others are told.",
    )
    .requiredOption(...CONFIG)
    .requiredOption(...SIGNED_CONTRACT)
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client leave --config north/site.yaml --contract signed-contract.json"),
    )
    .action(
      ends((flags: ContractFlags & PassphraseFlags) =>
        leave({ ...flags, passphrase: passphraseSourceOf(flags) }),
      ),
    );
  root
    .command("status")
    .description("What the client of this config is doing.")
    .requiredOption(...CONFIG)
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText("npx bulkhead-client status --config north/site.yaml"))
    .action(ends(showStatus));
};

const addDoctor = (root: Command, ends: Ends): void => {
  root
    .command("doctor")
    .description("What this machine can train and mask with, how fast, and what would cure what it cannot.")
    .option("--contract <file>", "a contract whose rounds are estimated")
    .option("--config <file>", "site.yaml, to measure training with the site's base model and backend")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-client doctor --contract contract.json --config north/site.yaml"),
    )
    .action(ends(examine));
};
