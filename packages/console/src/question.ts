/** A question that a person answers in the open, at a terminal. */
import { createInterface } from "node:readline/promises";
import { InputError } from "@bulkhead/base";
import { StopRequested } from "./stop-signal.ts";

/**
 * The line that was typed, without spaces at its ends; empty at the end of input. Throws an {@link InputError}
 * `usage-no-terminal` with the given cure where there is no terminal, {@link StopRequested} at Ctrl-C.
 */
export const askAtTerminal = async (question: string, cureWithout: string): Promise<string> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new InputError({
      code: "usage-no-terminal",
      place: "terminal",
      problem: "there is no terminal to ask at",
      cure: cureWithout,
    });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.on("SIGINT", () => reject(new StopRequested("SIGINT")));
      lines.on("close", () => resolve(""));
      lines.question(question).then((line) => resolve(line.trim()), reject);
    });
  } finally {
    lines.close();
  }
};
