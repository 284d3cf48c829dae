/** Keeps the states of one round's training as they come, one at a time; what comes meanwhile is passed over. */
import { InputError, type InputProblem } from "@bulkhead/base";
import type { TrainState } from "@bulkhead/finetune";
import type { KeptState } from "./kept-state.ts";
import type { RoundName } from "./sealed-file.ts";

export class StateKeeper {
  readonly #kept: KeptState;
  readonly #name: RoundName;
  readonly #report: (problem: InputProblem) => void;
  #writing: Promise<void> | undefined;
  #hasFailed = false;

  /** A disk that cannot be written is reported once and is no reason to stop training. */
  constructor(kept: KeptState, name: RoundName, report: (problem: InputProblem) => void) {
    this.#kept = kept;
    this.#name = name;
    this.#report = report;
  }

  readonly take = (state: TrainState): void => {
    if (this.#writing !== undefined || this.#hasFailed) return;
    this.#writing = this.#write(state).finally(() => {
      this.#writing = undefined;
    });
  };

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(state: TrainState): Promise<void> {
    try {
      await this.#kept.keep(this.#name, state);
    } catch (error) {
      this.#hasFailed = true;
      this.#report(error instanceof InputError ? error : NOT_KEPT);
    }
  }
}

const NOT_KEPT: InputProblem = {
  code: "state-not-written",
  place: "the state of this round's training",
  problem: "it could not be kept",
  cure: "look at the output of this site's cell; after a crash this round would begin anew",
};
