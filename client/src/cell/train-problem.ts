/** Why training gave nothing usable, for the people of this site: it names rows by their place and repeats none. */
import { InputError, type InputProblem } from "@bulkhead/base";
import type { TrainFailure } from "@bulkhead/finetune";
import type { Site } from "./open-site.ts";

const SHOWN = 5;

export const trainProblem = (
  failure: TrainFailure,
  { rows, job }: Pick<Site, "rows" | "job">,
): InputProblem => {
  const contract = `contract ${job.contract.job}`;
  switch (failure.code) {
    case "non-finite-loss": {
      const { step, rows: bad } = failure.facts;
      return {
        code: "training-failed",
        place: listed(bad.map((row) => rows.places[row] ?? `row ${row + 1}`)),
        problem: `at step ${step + 1} the loss of ${bad.length === 1 ? "this row" : "one of these rows"} is not a finite number`,
        cure: "look at these rows; if they are sound, ask the provider for a smaller learning rate",
      };
    }
    case "non-finite-update":
      return {
        code: "training-failed",
        place: failure.facts.tensors.length === 0 ? contract : listed(failure.facts.tensors),
        problem: "the update is not finite after training, so nothing of it leaves",
        cure: "ask the provider for a smaller learning rate",
      };
    case "model-length":
      return {
        code: "training-failed",
        place: contract,
        problem: `the trainer expects ${failure.facts.expected} parameters, and the model has ${failure.facts.given}`,
        cure: "use the trainer that belongs to this contract",
      };
    case "no-rows":
      return {
        code: "training-failed",
        place: contract,
        problem: "the trainer has no rows",
        cure: "check the data",
      };
  }
};

/** What the error says may repeat a row; it stands in the process's own output. */
export const problemOfError = (error: unknown, { job }: Pick<Site, "job">): InputProblem =>
  error instanceof InputError
    ? error
    : {
        code: "training-failed",
        place: `contract ${job.contract.job}`,
        problem: `the trainer ended with an error (${error instanceof Error ? error.name : typeof error})`,
        cure: "look at the output of this site's cell",
      };

const listed = (places: readonly string[]): string =>
  places.length > SHOWN
    ? `${places.slice(0, SHOWN).join(", ")} and ${places.length - SHOWN} more`
    : places.join(", ");
