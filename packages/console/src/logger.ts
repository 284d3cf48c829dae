/**
 * A log of events with closed fields: which events there are, and what each may say, is a type. A secret prints
 * `<redacted>`; text from outside cannot begin a new line or act on a terminal.
 */
import { Secret } from "@bulkhead/base";
import { printable } from "./printable.ts";

export type LogValue = string | number | boolean | null | undefined | Secret | readonly LogValue[];
export type LogFields = Readonly<Record<string, LogValue>>;

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** `Events` maps the name of each event to its fields. */
export interface Logger<Events extends Readonly<Record<string, LogFields>>> {
  log<Name extends keyof Events & string>(level: LogLevel, event: Name, fields: Events[Name]): void;
}

export interface LogOptions {
  readonly format: "json" | "human";
  /** Quieter events are dropped; `info` unless given. */
  readonly level?: LogLevel;
  /** To stderr unless given. */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
  /** Stands in every line: which process, which site. */
  readonly context?: LogFields;
}

export const createLogger = <Events extends Readonly<Record<string, LogFields>>>({
  format,
  level: least = "info",
  write = (line) => void process.stderr.write(line),
  now = () => new Date(),
  context = {},
}: LogOptions): Logger<Events> => ({
  log: (level, event, fields) => {
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
    const time = now().toISOString();
    const all = { ...context, ...fields };
    write(
      format === "json"
        ? `${JSON.stringify({ time, level, event, ...plainFields(all) })}\n`
        : `${time} ${level.padEnd(5)} ${event}${humanFields(all)}\n`,
    );
  },
});

const plainFields = (fields: LogFields): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, plain(value)]));

/** What only the types forbid is not printed either: bytes may be anything. */
const plain = (value: unknown): unknown => {
  if (value instanceof Secret) return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "object" && value !== null ? "<object>" : value;
};

const humanFields = (fields: LogFields): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${humanValue(plain(value))}`)
    .join("");

/** In quotes where it would not be clear where the value ends. */
const humanValue = (value: unknown): string => {
  if (typeof value === "string")
    return /^[^\s"=]+$/u.test(value) ? printable(value) : printable(JSON.stringify(value));
  return printable(JSON.stringify(value) ?? "");
};
