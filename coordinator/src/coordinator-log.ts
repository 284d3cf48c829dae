/** What the coordinator logs: one line for each transition of a machine, and for whoever comes, goes or is turned away. */
import type { LogFields, Logger } from "@bulkhead/console";
import { type Description, reasonText } from "@bulkhead/protocol";
import type { LinkFailure } from "@bulkhead/transport";
import type { Presence } from "./enrolment.ts";

// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface has no index signature
export type CoordinatorEvents = {
  /** As it is in force, defaults included; secrets are redacted. */
  readonly config: { readonly text: string };
  /** The ring engine that adds up this process's rounds. */
  readonly engine: { readonly text: string };
  readonly listening: { readonly url: string; readonly host: string; readonly port: number };
  readonly "attempt-opened": AttemptFields;
  readonly "attempt-resumed": AttemptFields & { readonly after: string };
  readonly transition: LogFields;
  readonly member: {
    readonly from: number;
    readonly name: string;
    readonly presence: Presence | "behind" | "ahead" | "other-model" | "left";
    readonly why?: string | undefined;
    readonly unsaid?: number;
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
export const logTransition = (
  log: CoordinatorLog,
  { reasons, ...facts }: Description,
  unsaid?: number,
): void => {
  const isRoutine = reasons.every(({ code }) => code === "late-or-repeated");
  log.log(isRoutine ? "info" : "warn", "transition", {
    ...facts,
    reasons: reasons.map(({ code }) => code),
    words: reasons.map(reasonText),
    ...(unsaid === undefined ? {} : { unsaid }),
  });
};

/** In a minute. */
const MOST_TURNED_AWAY = 30;
/** In a minute, of messages that changed nothing: an honest member has a few of them after a new link. */
const MOST_IGNORED = 300;
/** In a minute: its link may come and go every few seconds. */
const MOST_OF_A_MEMBER = 30;
const MINUTE = 60_000;

/** Logs transitions; of what a member can cause without end and changes nothing, up to so many a minute. */
export const transitionLog = (
  log: CoordinatorLog,
  now: () => number = () => performance.now(),
): ((description: Description) => void) => {
  const say = limited(MOST_IGNORED, now);
  return (description) => {
    const { before, after, event, message, reasons } = description;
    const isIgnored = before === after && (event === "lost" || (event === "received" && reasons.length > 0));
    if (isIgnored || message === "hello") say((unsaid) => logTransition(log, description, unsaid));
    else logTransition(log, description);
  };
};

export type MemberLog = (level: "info" | "warn", fields: CoordinatorEvents["member"]) => void;

/** Logs how members come and go, of each up to so many a minute, warnings apart; the next line says how many went unsaid. */
export const memberLog = (log: CoordinatorLog, now: () => number = () => performance.now()): MemberLog => {
  const says = new Map<string, ReturnType<typeof limited>>();
  return (level, fields) => {
    const key = `${level} ${fields.from}`;
    const say = says.get(key) ?? limited(MOST_OF_A_MEMBER, now);
    says.set(key, say);
    say((unsaid) => log.log(level, "member", { ...fields, ...(unsaid === undefined ? {} : { unsaid }) }));
  };
};

/** Logs who was turned away, up to so many a minute; the next line then says how many went unsaid. */
export const turnedAwayLog = (
  log: CoordinatorLog,
  now: () => number = () => performance.now(),
): ((failure: LinkFailure) => void) => {
  const say = limited(MOST_TURNED_AWAY, now);
  return (failure) =>
    say((unsaid) =>
      log.log("info", "turned-away", {
        why: wordsOf(failure),
        ...(unsaid === undefined ? {} : { unsaid }),
      }),
    );
};

/** What strangers and members make us say must not fill the disk: beyond `most` a minute it is only counted. */
const limited = (most: number, now: () => number): ((say: (unsaid: number | undefined) => void) => void) => {
  let since = -Infinity;
  let said = 0;
  let unsaid = 0;
  return (say) => {
    if (now() - since >= MINUTE) [since, said] = [now(), 0];
    if (said >= most) {
      unsaid += 1;
      return;
    }
    said += 1;
    say(unsaid === 0 ? undefined : unsaid);
    unsaid = 0;
  };
};

const wordsOf = (failure: LinkFailure): string => {
  if ("refusal" in failure) return `${failure.type}: ${failure.refusal.type}`;
  return failure.type === "closed" ? `closed: ${failure.closed.type}` : failure.type;
};
