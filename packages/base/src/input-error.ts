/** What {@link InputError} says, in parts, so that each renderer (a line, JSON, a report) sets them out its own way. */
export interface InputProblem {
  /** Stable, lower-case, hyphenated: `config-unknown-key`, `contract-unsigned`. Documented in docs/errors.md. */
  readonly code: string;
  /** Where: a file with line and column, an option, a peer. Never a value from inside a secret. */
  readonly place: string;
  /** What is wrong there, as a clause without a full stop. */
  readonly problem: string;
  /** What the person can do about it, as a clause without a full stop. */
  readonly cure: string;
}

/** Bad input from outside (a file, an option, the environment): one clear line, never a stack trace, never a secret. */
export class InputError extends Error implements InputProblem {
  override readonly name = "InputError";
  readonly code: string;
  readonly place: string;
  readonly problem: string;
  readonly cure: string;

  constructor({ code, place, problem, cure }: InputProblem) {
    super(`${place}: ${problem} (${cure})`);
    this.code = code;
    this.place = place;
    this.problem = problem;
    this.cure = cure;
  }
}
