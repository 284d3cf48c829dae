import { createLogger, progressTo } from "@bulkhead/console";
import {
  type CoordinatorEvents,
  logTransition,
  memberLog,
  progressLog,
  transitionLog,
  turnedAwayLog,
} from "@bulkhead/coordinator";
import type { Description } from "@bulkhead/protocol";
import { memberId } from "@bulkhead/secagg";
import { expect, test } from "vitest";

const transition: Description = {
  side: "coordinator",
  round: 2,
  attempt: 1,
  before: "collecting-inputs",
  after: "collecting-inputs",
  event: "folded",
  from: memberId(3),
  sent: 0,
  members: 2,
  reasons: [],
};

const logger = () => {
  const lines: string[] = [];
  const log = createLogger<CoordinatorEvents>({
    format: "json",
    write: (line) => void lines.push(line),
    now: () => new Date(0),
  });
  return { log, lines: () => lines.map((line) => JSON.parse(line)) };
};

test("each transition is one line with the machine's event, place and reasons", () => {
  const { log, lines } = logger();
  logTransition(log, transition);
  const reason = { code: "too-few-members", stage: "adverts", present: 2, needed: 3 } as const;
  logTransition(log, { ...transition, event: "deadline-passed", after: "void", reasons: [reason] });
  expect(lines()).toEqual([
    {
      time: "1970-01-01T00:00:00.000Z",
      level: "info",
      side: "coordinator",
      round: 2,
      attempt: 1,
      before: "collecting-inputs",
      after: "collecting-inputs",
      event: "folded",
      from: 3,
      sent: 0,
      members: 2,
      reasons: [],
      words: [],
    },
    expect.objectContaining({
      level: "warn",
      event: "deadline-passed",
      after: "void",
      reasons: ["too-few-members"],
      words: ["fewer members than the contract's minimum (stage adverts, present 2, needed 3)"],
    }),
  ]);
});

test("a member that comes and goes without end fills no disk, and hides nobody else and no warning", () => {
  const { log, lines } = logger();
  let now = 0;
  const member = memberLog(log, () => now);
  for (let times = 0; times < 1000; times++) member("info", { from: 4, name: "d", presence: "linked" });
  member("info", { from: 5, name: "e", presence: "linked" });
  member("warn", { from: 4, name: "d", presence: "malformed" });
  expect(lines()).toHaveLength(32);
  now = 60_000;
  member("info", { from: 4, name: "d", presence: "link-lost" });
  expect(lines().at(-1)).toMatchObject({ from: 4, presence: "link-lost", unsaid: 970 });
});

test("a member that is lost again and again in a stage is not told of without end", () => {
  const { log, lines } = logger();
  const say = transitionLog(log, () => 0);
  for (let times = 0; times < 1000; times++) say({ ...transition, event: "lost" });
  expect(lines()).toHaveLength(300);
  say({ ...transition, event: "lost", after: "void" });
  expect(lines()).toHaveLength(301);
});

test("strangers fill no disk: beyond thirty a minute only their number is said", () => {
  const { log, lines } = logger();
  let now = 0;
  const turnedAway = turnedAwayLog(log, () => now);
  const failure = { type: "refused-by-us", refusal: { type: "unknown-member" } } as const;
  for (let i = 0; i < 100; i++) turnedAway(failure);
  expect(lines()).toHaveLength(30);
  now = 60_000;
  turnedAway(failure);
  expect(lines().at(-1)).toMatchObject({ why: "refused-by-us: unknown-member", unsaid: 70 });
});

test("nor do members: what they send in vain is said up to three hundred times a minute, and all else always", () => {
  const { log, lines } = logger();
  let now = 0;
  const tell = transitionLog(log, () => now);
  const reason = { code: "bad-signature", from: memberId(3), message: "advert" } as const;
  const ignored: Description = { ...transition, event: "received", reasons: [reason] };
  for (let i = 0; i < 1000; i++) tell(ignored);
  for (let i = 0; i < 10; i++) tell(transition);
  expect(lines()).toHaveLength(310);
  now = 60_000;
  tell(ignored);
  expect(lines().at(-1)).toMatchObject({ reasons: ["bad-signature"], unsaid: 700 });
});

test("at a terminal the stage is a live line, and what a person should know stays", () => {
  let text = "";
  const progress = progressTo({ mode: "lines", write: (line) => (text += line), now: () => 0 });
  const log = progressLog(progress, 8);
  log.log("info", "listening", { url: "ws://127.0.0.1:1", host: "127.0.0.1", port: 1 });
  log.log("info", "member", { from: 1, name: "north", presence: "session-over", why: "overflow" });
  logTransition(log, transition);
  const reason = { code: "left", why: "consent-withdrawn" } as const;
  logTransition(log, { ...transition, reasons: [reason] });
  log.log("info", "round-applied", {
    round: 2,
    survivors: 3,
    meanLoss: 0.25,
    modelHash: "",
    checkpoint: "",
  });
  expect(text.split("\n")).toEqual([
    "listening at ws://127.0.0.1:1",
    "north: session-over (overflow)",
    "round 2 of 8, attempt 1: collecting-inputs, 2 answered",
    "round 2: the member left the round (why consent-withdrawn)",
    "round 2 of 8: 3 updates, mean loss 0.2500",
    "",
  ]);
});
