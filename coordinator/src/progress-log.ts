/** The log as a person at a terminal wants it: what goes on in one live line, what has happened in lines that stay. */
import type { LogValue, Progress } from "@bulkhead/console";
import type { CoordinatorEvents, CoordinatorLog } from "./coordinator-log.ts";

type Name = keyof CoordinatorEvents;
type Fields = Readonly<Record<string, LogValue>>;

export const progressLog = (progress: Progress, rounds: number): CoordinatorLog => ({
  log: (level, event, fields) => {
    const live = liveOf(event, fields, rounds);
    if (live !== undefined) progress.live(live);
    const said = saidOf(event, fields, rounds) ?? (level === "warn" ? wordsOf(fields) : undefined);
    if (said !== undefined) progress.tell({ event }, said);
  },
});

const liveOf = (event: Name, fields: Fields, rounds: number): string | undefined => {
  const { round, attempt, after, members } = fields;
  const place = `round ${textOf(round)} of ${rounds}, attempt ${textOf(attempt)}`;
  if (event === "attempt-opened" || event === "attempt-resumed") return place;
  if (event !== "transition") return undefined;
  return `${place}: ${textOf(after)}${members === undefined ? "" : `, ${textOf(members)} answered`}`;
};

const saidOf = (event: Name, fields: Fields, rounds: number): string | undefined => {
  const text = (name: string) => textOf(fields[name]);
  switch (event) {
    case "engine":
      return `ring engine ${text("text")}`;
    case "listening":
      return `listening at ${text("url")}`;
    case "attempt-resumed":
      return `going on with round ${text("round")}, attempt ${text("attempt")} (${text("after")})`;
    case "member":
      return `${text("name")}: ${text("presence")}${fields["why"] === undefined ? "" : ` (${text("why")})`}`;
    case "waiting":
      return `waiting: ${text("ready")} members are ready, ${text("needed")} are needed`;
    case "round-applied": {
      const loss = fields["meanLoss"];
      const mean = typeof loss === "number" ? `, mean loss ${loss.toFixed(4)}` : "";
      return `round ${text("round")} of ${rounds}: ${text("survivors")} updates${mean}`;
    }
    case "turned-away":
      return `turned away: ${text("why")}`;
    case "config":
    case "attempt-opened":
    case "transition":
    case "job-over":
      return undefined;
  }
};

/** Why something was not as it should be. */
const wordsOf = ({ words, round }: Fields): string | undefined =>
  Array.isArray(words) && words.length > 0
    ? `round ${textOf(round)}: ${words.map(textOf).join("; ")}`
    : undefined;

const textOf = (value: LogValue): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "-";
