/** What the commands of both sides have in common on the command line. */
import { InputError } from "@bulkhead/base";
import { RING_ENGINE_CHOICES, type RingEngineChoice } from "@bulkhead/compute";
import type { PassphraseSource } from "@bulkhead/console";
import { type Command, Option } from "commander";

export const JSON_OPTION = ["--json", "for machines: JSON"] as const;

export interface EngineFlags {
  readonly engine?: RingEngineChoice;
}

export const withEngine = (command: Command): Command =>
  command.addOption(
    new Option("--engine <name>", "the ring engine, in place of the config's").choices(RING_ENGINE_CHOICES),
  );

/** A config as it is in force when an option stands in for one of its keys. */
export const effectiveWith = (effective: string, { engine }: EngineFlags): string =>
  engine === undefined ? effective : `${effective.trimEnd()}\n# --engine ${engine}\n`;

/** For the end of a command's help. */
export const exampleText = (...lines: readonly string[]): string =>
  `\nExample:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;

export interface PassphraseFlags {
  readonly passphraseFile?: string;
  readonly passphraseFd?: number;
}

/** Without either option the passphrase is asked for at the terminal. */
export const withPassphrase = (command: Command): Command =>
  command
    .option("--passphrase-file <file>", "a file with the passphrase, readable by its owner alone")
    .option("--passphrase-fd <n>", "an open file descriptor to read the passphrase from", descriptor);

const descriptor = (text: string): number => {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 1024) return number;
  throw new InputError({
    code: "usage-option",
    place: "--passphrase-fd",
    problem: "not the number of a file descriptor",
    cure: "give a number, as in --passphrase-fd 3",
  });
};

export const passphraseSourceOf = ({ passphraseFile, passphraseFd }: PassphraseFlags): PassphraseSource => {
  if (passphraseFile !== undefined && passphraseFd !== undefined)
    throw new InputError({
      code: "usage-option",
      place: "--passphrase-fd",
      problem: "there is --passphrase-file too",
      cure: "give one of them",
    });
  if (passphraseFile !== undefined) return { type: "file", path: passphraseFile };
  return passphraseFd === undefined ? { type: "terminal" } : { type: "fd", fd: passphraseFd };
};
