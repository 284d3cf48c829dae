/** What the coordinator logs: one line for each transition of a machine, and for whoever comes, goes or is turned away. */
import type { LogFields, Logger } from "@bulkhead/console";
import { type Description, reasonText } from "@bulkhead/protocol";
import type { LinkFailure } from "@bulkhead/transport";
import type { Presence } from "./enrolment.ts";

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature
export type CoordinatorEvents = {
  /** As it is in force, defaults included; secrets are redacted. */
  readonly config: { readonly text: string };
  readonly listening: { readonly url: string; readonly host: string; readonly port: number };
  readonly "attempt-opened": AttemptFields;
  readonly "attempt-resumed": AttemptFields & { readonly after: string };
  readonly transition: LogFields;
  readonly member: {
    readonly from: number;
    readonly name: string;
    readonly presence: Presence | "behind" | "ahead" | "other-model" | "left";
    readonly why?: string | undefined;
  };
  readonly "turned-away": { readonly why: string; readonly unsaid?: number };
  readonly waiting: { readonly round: number; readonly ready: number; readonly needed: number };
  readonly "round-applied": {
    readonly round: number;
    readonly survivors: number;
    readonly meanLoss: number | undefined;
    readonly modelHash: string;
    readonly checkpoint: string;
  };
  readonly "job-over": { readonly outcome: string; readonly code?: string; readonly why?: string };
};

interface AttemptFields extends LogFields {
  readonly round: number;
  readonly attempt: number;
  readonly gone: readonly number[];
  readonly leftOut: readonly number[];
}

export type CoordinatorLog = Logger<CoordinatorEvents>;

export const SILENT: CoordinatorLog = { log: () => undefined };

/** One line for each transition; where something was wrong, or a member could not be counted on, as a warning. */
export const logTransition = (log: CoordinatorLog, { reasons, ...facts }: Description): void => {
  const isRoutine = reasons.every(({ code }) => code === "late-or-repeated");
  log.log(isRoutine ? "info" : "warn", "transition", {
    ...facts,
    reasons: reasons.map(({ code }) => code),
    words: reasons.map(reasonText),
  });
};

/** In a minute; strangers must not fill the disk. */
const MOST_TURNED_AWAY = 30;
const MINUTE = 60_000;

/** Logs who was turned away, up to so many a minute; the next line then says how many went unsaid. */
export const turnedAwayLog = (
  log: CoordinatorLog,
  now: () => number = () => performance.now(),
): ((failure: LinkFailure) => void) => {
  let since = -Infinity;
  let said = 0;
  let unsaid = 0;
  return (failure) => {
    if (now() - since >= MINUTE) [since, said] = [now(), 0];
    if (said >= MOST_TURNED_AWAY) {
      unsaid += 1;
      return;
    }
    said += 1;
    log.log("info", "turned-away", { why: wordsOf(failure), ...(unsaid === 0 ? {} : { unsaid }) });
    unsaid = 0;
  };
};

const wordsOf = (failure: LinkFailure): string => {
  if ("refusal" in failure) return `${failure.type}: ${failure.refusal.type}`;
  return failure.type === "closed" ? `closed: ${failure.closed.type}` : failure.type;
};
