/** What the end of a session means: another one, or no link any more and why. */
import { type InputProblem } from "@bulkhead/base";
import { type LinkFailure, type SessionOver, sessionOverProblem, type Trouble } from "@bulkhead/transport";
import type { OverCode } from "../pipe.ts";

type Verdict =
  /** `isRestart`: the coordinator, not the session, is to blame; it may go down and come up as often as it likes. */
  | { readonly type: "again"; readonly isRestart: boolean }
  | { readonly type: "over"; readonly code: OverCode; readonly problem: InputProblem };

/** `place` is the coordinator's address. */
export const verdictOf = (reason: SessionOver, place: string): Verdict => {
  const over = (code: OverCode): Verdict => ({ type: "over", code, problem: linkProblem(reason, place) });
  switch (reason.type) {
    case "closed-by-peer":
      return { type: "again", isRestart: isShutDown(reason) };
    case "closed-by-us":
    case "protocol-violation":
    case "overflow":
      return { type: "again", isRestart: false };
    case "replaced":
      return over("replaced");
    case "link-lost":
      return over("unreachable");
    case "cannot-open":
      return isStale(reason.trouble) ? { type: "again", isRestart: true } : over(codeOf(reason.trouble));
    case "failed":
      return over("failed");
  }
};

/** The coordinator was stopped in order, and may come back. */
export const isShutDown = (reason: SessionOver): boolean =>
  reason.type === "closed-by-peer" && reason.farewell === "shutting-down";

/** While it is waited for, and at the end of that. */
export const stoppedProblem = (place: string, cure: string): InputProblem => ({
  code: "coordinator-stopped",
  place,
  problem: "the coordinator was stopped before the job was done",
  cure,
});

/** The coordinator was started anew, or has waited for us too long: it knows nothing of the session, but us it knows. */
const isStale = (trouble: Trouble): boolean =>
  trouble.type === "not-opened" &&
  trouble.failure.type === "refused" &&
  ["session-unknown", "resume-out-of-range"].includes(trouble.failure.refusal.type);

const codeOf = (trouble: Trouble): OverCode =>
  trouble.type === "not-opened" && isRefusal(trouble.failure) ? "not-let-in" : "unreachable";

const isRefusal = ({ type }: LinkFailure): boolean => type === "refused" || type === "wrong-coordinator";

const linkProblem = (reason: SessionOver, place: string): InputProblem =>
  inFamily(sessionOverProblem(reason, place));

/** Codes whose first part has no exit code of its own get one: what the config says wrong, or the link. */
export const inFamily = (problem: InputProblem): InputProblem => {
  const { code, place, problem: what, cure } = problem;
  const family = FAMILIES.find(([codes]) => codes.test(code))?.[1];
  return { code: family === undefined ? code : `${family}-${code}`, place, problem: what, cure };
};

const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^(?:address|proxy)-malformed$/u, "config"],
  [/^(?!link-|tls-|coordinator-|config-)/u, "link"],
];
