import { type News, openTeller } from "@bulkhead/client";
import { expect, onTestFinished, test, vi } from "vitest";

/** What is written while `act` runs. */
const written = (stream: NodeJS.WriteStream, act: () => void): readonly string[] => {
  let text = "";
  const spy = vi.spyOn(stream, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  onTestFinished(() => spy.mockRestore());
  act();
  return text.split("\n").slice(0, -1);
};

const STEP: News = {
  type: "step",
  round: 2,
  attempt: 1,
  before: "awaiting-roster",
  after: "aborted",
  event: "received",
  message: "roster",
  sent: 0,
  reasons: ["a message does not carry the signature of the member it names (from 2)"],
};
const OUTCOME: News = { type: "outcome", outcome: "refused", code: "bad-signature", applied: 1 };

test("with --json each piece of news is one line as it is, with the run", () => {
  const lines = written(process.stdout, () => {
    const teller = openTeller({ json: true, level: "error", run: "nightly", rounds: 5 });
    teller.say("wall", { strength: "namespaces" }, "wall: namespaces");
    for (const news of [STEP, OUTCOME]) teller.news(news);
    teller.end();
  });
  const [wall, step, outcome] = lines.map((line): unknown => JSON.parse(line));
  expect(wall).toMatchObject({ type: "wall", run: "nightly", strength: "namespaces" });
  expect(step).toMatchObject({ ...STEP, run: "nightly" });
  expect(outcome).toMatchObject({ type: "outcome", code: "bad-signature", run: "nightly" });
});

test("people get lines with what matters, and no line begins inside another", () => {
  const lines = written(process.stderr, () => {
    const teller = openTeller({ json: false, level: "info", run: "nightly", rounds: 5 });
    teller.say("config", {}, "config in force:\nstate: state");
    teller.news({ type: "ready", member: 1, applied: 1, rows: 40, backend: "wasm", engine: "cpu, 1 thread" });
    teller.news({ type: "applied", round: 2, survivors: 3, modelHash: "00".repeat(32) });
    teller.news(STEP);
    teller.news({ type: "problem", code: "x", place: "row\n7", problem: "is bad", cure: "mend it" });
    teller.end();
  });
  expect(lines).toEqual([
    "config in force:",
    "state: state",
    "ready: 40 rows, backend wasm, ring engine cpu, 1 thread, 1 of 5 rounds applied",
    "round 2 of 5: applied the sum of 3 updates",
    "round 2 of 5, attempt 1: aborted",
    "round 2: a message does not carry the signature of the member it names (from 2)",
    expect.stringMatching(/^row\S+7: is bad; mend it$/u),
  ]);
});

test("what is quieter than the config's level is not said to people", () => {
  const lines = written(process.stderr, () => {
    const teller = openTeller({ json: false, level: "warn", run: "nightly", rounds: 5 });
    teller.say("wall", {}, "wall: namespaces");
    teller.news({ type: "link", state: "open" });
    teller.news({ type: "problem", code: "x", place: "rows", problem: "are bad", cure: "mend them" });
    teller.end();
  });
  expect(lines).toEqual(["rows: are bad; mend them"]);
});

test("a problem with which the command ends is not said twice; any other is said", () => {
  const problem = {
    code: "data-empty",
    place: "rows.jsonl",
    problem: "there are no rows in it",
    cure: "add some",
  };
  const said = (end: typeof problem | undefined) =>
    written(process.stderr, () => {
      const teller = openTeller({ json: false, level: "info", run: "nightly", rounds: 5 });
      teller.news({ type: "problem", ...problem });
      teller.news(OUTCOME);
      teller.end(end);
    });
  expect(said(problem)).toEqual([]);
  expect(said({ ...problem, place: "other.jsonl" })).toEqual([
    "rows.jsonl: there are no rows in it; add some",
  ]);
  expect(said(undefined)).toEqual(["rows.jsonl: there are no rows in it; add some"]);
});
