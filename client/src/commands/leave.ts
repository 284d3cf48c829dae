/** Takes the place of the command until the supervisor stands. */
import { InputError } from "@bulkhead/base";
import type { PassphraseSource } from "@bulkhead/console";

export const leave = async (options: {
  readonly config: string;
  readonly contract: string;
  readonly passphrase: PassphraseSource;
  readonly runId?: string;
  readonly json?: true;
}): Promise<number> => {
  throw new InputError({
    code: "usage-command",
    place: options.config,
    problem: "not there yet",
    cure: "wait",
  });
};
