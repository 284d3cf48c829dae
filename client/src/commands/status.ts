/** Takes the place of the command until the supervisor stands. */
import { InputError } from "@bulkhead/base";

export const showStatus = async (options: {
  readonly config: string;
  readonly json?: true;
}): Promise<number> => {
  throw new InputError({
    code: "usage-command",
    place: options.config,
    problem: "not there yet",
    cure: "wait",
  });
};
