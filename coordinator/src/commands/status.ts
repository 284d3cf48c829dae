/** `status`: what the running coordinator says of itself, and whether it still runs. */
import path from "node:path";
import {
  boolean,
  finite,
  integer,
  type Json,
  listOf,
  record,
  type Shape,
  shape,
  text,
  type TypeOf,
} from "@bulkhead/base";
import { EXIT, humanBytes, renderTable } from "@bulkhead/console";
import { parseJson, readOwnFile, tellResult } from "@bulkhead/party";
import { loadCoordinatorConfig } from "../config.ts";

const LONGEST_STATUS = 1 << 20;
const count = integer(0, Number.MAX_SAFE_INTEGER);

const orNull = <T>(inner: Shape<T>): Shape<T | null> => {
  const isNull = shape("null", (value): value is null => value === null);
  return (value, at) => (value === null ? isNull(value, at) : inner(value, at));
};

const statusShape = record({
  format: text(60),
  pid: count,
  url: text(300),
  job: text(100),
  contract: text(64),
  outcome: text(40),
  doing: text(100),
  rounds: record({ applied: count, planned: count }),
  attempt: orNull(record({ round: count, attempt: count, stage: text(60), waiting: boolean })),
  needed: count,
  ready: count,
  members: listOf(
    record({
      name: text(100),
      link: text(20),
      applied: orNull(count),
      bytes: record({ up: finite(0), down: finite(0) }),
    }),
    255,
  ),
  updatedAt: text(40),
});
type Status = TypeOf<typeof statusShape>;

export const showStatus = async ({
  config: file,
  json,
}: {
  readonly config: string;
  readonly json?: true;
}): Promise<number> => {
  const { config } = await loadCoordinatorConfig(file);
  const place = path.join(config.state, "status.json");
  const status = await readStatus(place);
  if (status === undefined) {
    tellResult(json, { running: false }, ["No coordinator has been started with this state folder."]);
    return EXIT.done;
  }
  const isRunning = status.outcome === "running" && isAlive(status.pid);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the shape admits nothing but JSON
  tellResult(
    json,
    { running: isRunning, ...(status as { readonly [field: string]: Json }) },
    linesOf(status, isRunning),
  );
  return EXIT.done;
};

const readStatus = (place: string): Promise<Status | undefined> =>
  readOwnFile(place, {
    longest: LONGEST_STATUS,
    parse: (bytes) => statusShape(parseJson(bytes)),
    damaged: {
      code: "status-not-readable",
      problem: "it is no status of a coordinator of this version",
      cure: "start the coordinator again: it writes a new one",
    },
  });

/** Asks the system; a process of somebody else's counts as alive. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
};

const linesOf = (status: Status, isRunning: boolean): readonly string[] => {
  const { job, contract, url, rounds, attempt, doing, outcome, ready, needed, members } = status;
  const state = isRunning
    ? `runs at ${url} (process ${status.pid})`
    : outcome === "running"
      ? "does not run: it ended without a word; start it again to go on"
      : `does not run; it ended as: ${outcome}`;
  const now = attempt === null ? doing : attemptWords(attempt);
  return [
    `Job ${job} (contract ${contract.slice(0, 16)}…): the coordinator ${state}.`,
    `Rounds: ${rounds.applied} of ${rounds.planned}. Now: ${isRunning ? now : "nothing"}.`,
    ...(isRunning ? [`Members ready: ${ready} of ${members.length}; ${needed} are needed.`] : []),
    renderTable({
      head: ["member", "link", "rounds", "received", "sent"],
      rows: members.map((member) => [
        member.name,
        isRunning ? member.link : "none",
        member.applied ?? "-",
        humanBytes(member.bytes.up),
        humanBytes(member.bytes.down),
      ]),
    }),
    `As of ${status.updatedAt}`,
  ];
};

const attemptWords = ({ round, attempt, stage, waiting }: NonNullable<Status["attempt"]>): string =>
  `round ${round}, attempt ${attempt}, ${stage}${waiting ? ", waiting for members that have signed" : ""}`;
