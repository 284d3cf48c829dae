/** How a run ended, as a person, a scheduler and a later call with the same run id are told. */
import type { InputProblem } from "@bulkhead/base";
import { EXIT, type ExitCode, exitCodeOf } from "@bulkhead/console";
import type { OutcomeType } from "../news.ts";
import type { Ending } from "./supervisor.ts";

export interface RunEnd {
  readonly outcome: OutcomeType;
  /** The stable reason, where there is one. */
  readonly code?: string | undefined;
  /** Rounds of this contract whose sums are applied here. */
  readonly applied: number;
  /** What is said of an end that is neither done nor asked for; its code decides the exit code. */
  readonly problem?: InputProblem | undefined;
}

export const runEndOf = ({ outcome: { outcome, code, detail, applied }, problem }: Ending): RunEnd => ({
  outcome,
  code,
  applied,
  problem: problemOf(outcome, { code, detail, problem }),
});

/**
 * | outcome | exit code |
 * |---|---|
 * | done | 0 |
 * | job-failed | 1: the coordinator ended the job |
 * | failed | by the problem's code, else 1 |
 * | refused, withdrawn | 3 |
 * | unreachable | 4: tried again later it may go on |
 * | stopped | 5 |
 */
export const exitOf = ({ outcome, problem }: RunEnd): ExitCode => {
  if (outcome === "done") return EXIT.done;
  if (outcome === "stopped") return EXIT.interrupted;
  return problem === undefined ? EXIT.failed : exitCodeOf(problem.code);
};

/** Whether the same run is over for good: asked for again, it only tells how it ended. */
export const isFinal = ({ outcome }: Pick<RunEnd, "outcome">): boolean =>
  outcome === "done" || outcome === "withdrawn";

interface Said {
  readonly code: string | undefined;
  readonly detail: string | undefined;
  readonly problem: InputProblem | undefined;
}

const AGAIN = "run the same command again to go on";

const problemOf = (outcome: OutcomeType, said: Said): InputProblem | undefined => {
  switch (outcome) {
    case "done":
    case "stopped":
      return undefined;
    case "withdrawn":
      return WITHDRAWN;
    case "refused":
      return refusedProblem(said);
    case "unreachable":
      return said.problem ?? unreachableProblem(said);
    case "job-failed":
      return {
        code: "job-failed",
        place: "coordinator",
        problem: "the coordinator has ended the job: a round could not be finished",
        cure: "ask the provider for its report; where it starts the job once more, run the same command again",
      };
    case "failed":
      return said.problem ?? { ...wordsOf(said, "client"), code: "client-failed", cure: AGAIN };
  }
};

export const WITHDRAWN: InputProblem = {
  code: "contract-withdrawn",
  place: "contract",
  problem: "this site has withdrawn its consent to it",
  cure: "nothing further leaves under it; to take part again sign another contract",
};

/** The rules of the protocol have codes of their own; in the family `abort` they have their exit code. */
const refusedProblem = (said: Said): InputProblem => {
  const { problem, code = "refused" } = said;
  if (problem !== undefined && exitCodeOf(problem.code) === EXIT.refused) return problem;
  return {
    ...wordsOf(said, "coordinator"),
    code: exitCodeOf(code) === EXIT.refused ? code : `abort-${code}`,
    cure: "tell the provider; nothing further has left, and the journal keeps what happened",
  };
};

const unreachableProblem = (said: Said): InputProblem => ({
  ...wordsOf(said, "coordinator"),
  code: `link-${said.code ?? "lost"}`,
  cure: AGAIN,
});

const wordsOf = ({ code, detail }: Said, place: string): Pick<InputProblem, "place" | "problem"> => ({
  place,
  problem: detail ?? code ?? "it ended without a word",
});
