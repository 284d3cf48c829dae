/** `runs/<id>.json`: what a run is and how it ended, so that the same id is the same run. */
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  InputError,
  integer,
  oneOf,
  optional,
  record,
  text,
  textMatching,
  type TypeOf,
  utf8,
} from "@bulkhead/base";
import { parseJson, readOwnFile } from "@bulkhead/party";
import { type FolderLock, lockFolder, makeFolder, writeFileAtomic } from "@bulkhead/store";
import { OUTCOMES } from "../news.ts";
import { isFinal } from "./run-end.ts";

const sentence = text(4000);

const recordShape = record({
  format: oneOf("bulkhead-run/1"),
  run: text(100),
  contract: textMatching(/^[0-9a-f]{64}$/u, "a digest"),
  job: text(100),
  startedAt: text(40),
  endedAt: optional(text(40)),
  outcome: oneOf("running", ...OUTCOMES),
  code: optional(text(200)),
  applied: integer(0, Number.MAX_SAFE_INTEGER),
  problem: optional(record({ code: text(200), place: sentence, problem: sentence, cure: sentence })),
  wall: text(100),
});
export type RunRecord = TypeOf<typeof recordShape>;

const LONGEST_RECORD = 1 << 16;
const POLL_MS = 250;

/** Throws an {@link InputError} for what is no name of a file everywhere. */
export const expectRunId = (run: string): void => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/u.test(run)) return;
  throw new InputError({
    code: "usage-option",
    place: "--run-id",
    problem: "a run id has letters, digits, dot, dash and underscore, and begins with a letter or digit",
    cure: "choose such an id, of at most 100 characters",
  });
};

const recordFile = (runs: string, run: string): string => path.join(runs, `${run}.json`);

export const writeRunRecord = async (runs: string, run: RunRecord): Promise<void> => {
  await makeFolder(runs);
  await writeFileAtomic(recordFile(runs, run.run), utf8(`${JSON.stringify(run, undefined, 2)}\n`));
};

export const readRunRecord = (runs: string, run: string): Promise<RunRecord | undefined> =>
  readOwnFile(recordFile(runs, run), {
    longest: LONGEST_RECORD,
    parse: (bytes) => recordShape(parseJson(bytes)),
    damaged: {
      code: "run-record",
      problem: "it is no record of a run",
      cure: "use another --run-id, or remove the file",
    },
  });

type Claim =
  /** The run is this process's: it begins, or goes on. */
  | { readonly type: "ours"; readonly lock: FolderLock }
  | { readonly type: "ended"; readonly record: RunRecord };

interface Claiming {
  readonly state: string;
  readonly runs: string;
  readonly run: string;
  /** In hexadecimal. */
  readonly contract: string;
  readonly signal: AbortSignal;
  /** Another process is at this very run. */
  readonly onWaiting: () => void;
}

/**
 * Takes the state folder for this run; where another process is at the same run, waits for its end and gives that.
 * Throws an {@link InputError} where the id belongs to another contract, or another run has the folder.
 */
export const claimRun = async (claiming: Claiming): Promise<Claim> => {
  const { state, runs, run, signal, onWaiting } = claiming;
  let hasWaited = false;
  for (;;) {
    const before = await ownRecord(claiming);
    if (before !== undefined && isOver(before, hasWaited)) return { type: "ended", record: before };
    try {
      const lock = await lockFolder(state);
      const after = await readRunRecord(runs, run);
      if (after === undefined || !isOver(after, hasWaited)) return { type: "ours", lock };
      await lock.release();
      return { type: "ended", record: after };
    } catch (error) {
      const isBusy = error instanceof InputError && error.code === "folder-in-use";
      if (!isBusy || before?.outcome !== "running") throw error;
    }
    if (!hasWaited) onWaiting();
    hasWaited = true;
    await sleep(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
};

/** Whoever has waited for another process hears how it ended; otherwise only a final end is no reason to go on. */
const isOver = ({ outcome }: RunRecord, hasWaited: boolean): boolean =>
  outcome !== "running" && (hasWaited || isFinal({ outcome }));

const ownRecord = async ({ runs, run, contract }: Claiming): Promise<RunRecord | undefined> => {
  const found = await readRunRecord(runs, run);
  if (found === undefined || found.contract === contract) return found;
  throw new InputError({
    code: "usage-run-id",
    place: `--run-id ${run}`,
    problem: `it is a run of another contract (${found.job}, ${found.contract.slice(0, 16)}…)`,
    cure: "choose another id",
  });
};
