/** A command line with its commands, as both sides have one. */
import { EXIT, type Program } from "@bulkhead/console";
import { Command } from "commander";
import { exampleText } from "./command-options.ts";

/** Makes a command's action of what it runs: its options go in, the exit code is kept. */
export type Ends = <O>(run: (options: O) => Promise<number>) => (options: O) => Promise<void>;

/** A command whose module is loaded when it is given: all of them take longer to load than most take to run. */
export const later =
  <O>(load: () => Promise<(options: O) => Promise<number>>): ((options: O) => Promise<number>) =>
  async (options) =>
    (await load())(options);

export interface CommandProgram {
  readonly name: string;
  readonly description: string;
  readonly example: string;
  readonly add: (root: Command, ends: Ends) => void;
}

/** From its arguments to its exit code; throws what `runMain` tells. */
export const commandProgram =
  ({ name, description, example, add }: CommandProgram): Program =>
  async (args) => {
    let exitCode: number = EXIT.done;
    const root = new Command(name)
      .description(description)
      .exitOverride()
      // It is told by runMain, as every failure is.
      .configureOutput({ outputError: () => undefined })
      .addHelpText("after", exampleText(example));
    add(root, (run) => async (options) => {
      exitCode = await run(options);
    });
    await root.parseAsync([...args], { from: "user" });
    return exitCode;
  };
