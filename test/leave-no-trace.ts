/** Test files share a process: one that leaves the process other than it found it fails here, not in a file after it. */
import { afterAll, beforeAll, expect } from "vitest";

const EVENTS = ["SIGINT", "SIGTERM", "SIGHUP", "warning", "exit"] as const;

interface Trace {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly rest: object;
}

const trace = (): Trace => ({
  environment: { ...process.env },
  rest: {
    folder: process.cwd(),
    exitCode: process.exitCode,
    listeners: EVENTS.map((name) => [name, process.listenerCount(name)]),
  },
});

/** Their names alone: what is in an environment may be secret. */
const changedVariables = (before: Trace, after: Trace): readonly string[] =>
  Object.keys({ ...before.environment, ...after.environment }).filter(
    (name) => before.environment[name] !== after.environment[name],
  );

let before: Trace;

beforeAll(() => {
  before = trace();
});

afterAll(() => {
  const after = trace();
  expect(changedVariables(before, after), "environment variables that were changed").toEqual([]);
  expect(after.rest).toEqual(before.rest);
});
