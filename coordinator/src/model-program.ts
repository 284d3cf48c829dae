/** `model` and its commands: their options and their help. */
import { InputError } from "@bulkhead/base";
import { BACKENDS } from "@bulkhead/compute";
import type { WrittenType } from "@bulkhead/finetune";
import { type Ends, exampleText, JSON_OPTION, later } from "@bulkhead/party";
import { type Command, Option } from "commander";
import type { ExportOptions, ImportOptions, MergeOptions } from "./commands/model/convert.ts";
import type { GenerateFlags } from "./commands/model/generate.ts";

const inspect = later(async () => (await import("./commands/model/inspect.ts")).inspect);
const importModel = later(async () => (await import("./commands/model/convert.ts")).importModel);
const merge = later(async () => (await import("./commands/model/convert.ts")).merge);
const exportAdapter = later(async () => (await import("./commands/model/convert.ts")).exportAdapter);
const generate = later(async () => (await import("./commands/model/generate.ts")).generate);

const MODEL = [
  "<model>",
  "a folder in Hugging Face layout, a .safetensors file beside its config.json, or a .gguf file",
] as const;
const ADAPTER = ["--adapter <dir>", "an adapter in PEFT layout, as checkpoints are"] as const;
const EXAMPLE_GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf";

export const addModel = (root: Command, ends: Ends): void => {
  const model = root
    .command("model")
    .description("Look at models, convert them, merge adapters into them, hear them answer.")
    .addHelpText("after", exampleText(`npx bulkhead-coordinator model inspect ${EXAMPLE_GGUF}`));
  addInspect(model, ends);
  addImport(model, ends);
  addExport(model, ends);
  addMerge(model, ends);
  addGenerate(model, ends);
};

const addInspect = (model: Command, ends: Ends): void => {
  model
    .command("inspect")
    .argument(...MODEL)
    .description("What a model is, its digest for contracts, and what of it is refused and why.")
    .option(...JSON_OPTION)
    .addHelpText("after", exampleText(`npx bulkhead-coordinator model inspect ${EXAMPLE_GGUF}`))
    .action((place: string, options: { readonly json?: true }) =>
      ends(inspect)({ ...options, model: place }),
    );
};

const withType = (command: Command, otherwise: WrittenType): Command =>
  command.addOption(
    new Option("--type <type>", "of what is written").choices(["F32", "BF16", "F16"]).default(otherwise),
  );

const addImport = (model: Command, ends: Ends): void => {
  withType(model.command("import"), "F32")
    .argument(...MODEL)
    .description("Write any of them as a folder in Hugging Face layout, which contracts can name.")
    .requiredOption("--out <dir>", "the folder; new or empty")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(`npx bulkhead-coordinator model import ${EXAMPLE_GGUF} --type BF16 --out smollm2`),
    )
    .action((place: string, options: Omit<ImportOptions, "model">) =>
      ends(importModel)({ ...options, model: place }),
    );
};

const addMerge = (model: Command, ends: Ends): void => {
  withType(model.command("merge"), "F32")
    .argument(...MODEL)
    .description("Fold an adapter into its base model: a folder that needs no adapter any more.")
    .requiredOption(...ADAPTER)
    .requiredOption("--out <dir>", "the folder; new or empty")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText("npx bulkhead-coordinator model merge smollm2 --adapter checkpoint --out merged"),
    )
    .action((place: string, options: Omit<MergeOptions, "model">) =>
      ends(merge)({ ...options, model: place }),
    );
};

const addExport = (model: Command, ends: Ends): void => {
  withType(model.command("export"), "F32")
    .argument(...MODEL)
    .description("The adapter of a checkpoint for Python's peft, checked against its base model.")
    .requiredOption(...ADAPTER)
    .option("--base-name <name>", "by which peft loads the base model; as the checkpoint has it if absent")
    .requiredOption("--out <dir>", "the folder; new or empty")
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        "npx bulkhead-coordinator model export smollm2 --adapter checkpoint --base-name HuggingFaceTB/SmolLM2-135M-Instruct --out adapter",
      ),
    )
    .action((place: string, options: Omit<ExportOptions, "model">) =>
      ends(exportAdapter)({ ...options, model: place }),
    );
};

const addGenerate = (model: Command, ends: Ends): void => {
  model
    .command("generate")
    .argument(...MODEL)
    .description("Let a model answer, by its chat template where it has one.")
    .option(...ADAPTER)
    .requiredOption("--prompt <text>", "what is asked, or gone on from")
    .option("--system <text>", "what the system says before, in a chat")
    .option("--plain", "go on from the prompt as it is, without the chat template")
    .option("--tokens <n>", "at most so many", numberOption("--tokens", 1, 2 ** 20, true), 128)
    .option(
      "--temperature <t>",
      "0 takes the most probable token each time",
      numberOption("--temperature", 0, 100),
      0,
    )
    .option(
      "--top-p <share>",
      "draw from the most probable tokens of this share",
      numberOption("--top-p", 0, 1),
      1,
    )
    .option("--seed <text>", "the same seed draws the same answer; by chance if absent")
    .addOption(new Option("--backend <name>", "what computes").choices(["auto", ...BACKENDS]).default("auto"))
    .option(...JSON_OPTION)
    .addHelpText(
      "after",
      exampleText(
        `npx bulkhead-coordinator model generate ${EXAMPLE_GGUF} --prompt "What is the capital of France?"`,
        `npx bulkhead-coordinator model generate ${EXAMPLE_GGUF} --adapter checkpoint --prompt "Hello" --temperature 0.7 --top-p 0.9`,
      ),
    )
    .action((place: string, options: Omit<GenerateFlags, "model">) =>
      ends(generate)({ ...options, model: place }),
    );
};

const numberOption =
  (name: string, least: number, most: number, isWhole = false) =>
  (text: string): number => {
    const value = Number(text);
    const isGood = text.trim() !== "" && value >= least && value <= most;
    if (isGood && (!isWhole || Number.isInteger(value))) return value;
    throw new InputError({
      code: "usage-option",
      place: name,
      problem: `not a ${isWhole ? "whole " : ""}number from ${least} to ${most}`,
      cure: "see --help",
    });
  };
