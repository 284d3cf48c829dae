/** `run`: takes part in a contract's rounds to their end. The same run id is the same run. */
import { InputError, type InputProblem } from "@bulkhead/base";
import { EXIT, type PassphraseSource, readPassphrase, stopSignal } from "@bulkhead/console";
import { effectiveWith, type EngineFlags } from "@bulkhead/party";
import { loadSiteConfig } from "../config.ts";
import { isMarked } from "../supervisor/contract-register.ts";
import { type PreparedSite, prepareSite } from "../supervisor/prepare-site.ts";
import { exitOf, type RunEnd, WITHDRAWN } from "../supervisor/run-end.ts";
import { claimRun, expectRunId, type RunRecord, writeRunRecord } from "../supervisor/run-record.ts";
import { runSite } from "../supervisor/run-site.ts";
import { siteFolder } from "../supervisor/settings-of-config.ts";
import { openTeller, type Teller } from "../supervisor/tell-news.ts";
import { raiseWall, type Wall } from "../supervisor/wall/wall.ts";

interface RunOptions extends EngineFlags {
  readonly config: string;
  readonly contract: string;
  readonly passphrase: PassphraseSource;
  readonly runId?: string;
  readonly json?: true;
}

export const run = async (options: RunOptions): Promise<number> => {
  const signal = stopSignal();
  const loaded = await loadSiteConfig(options.config);
  const config = { ...loaded.config, engine: options.engine ?? loaded.config.engine };
  const site = await prepareSite(config, options.contract);
  const id = options.runId ?? `${site.job.contract.job}-${site.contract.slice(0, 16)}`;
  expectRunId(id);
  if (await isMarked(config.identity, site.contract, "withdrawn"))
    throw new InputError({ ...WITHDRAWN, place: options.contract });
  const wall = await raiseWall(config.wall.require);
  const rounds = site.job.contract.training.rounds;
  const teller = openTeller({ json: options.json === true, level: config.log.level, run: id, rounds });
  try {
    sayStart(teller, { site, wall, id, effective: effectiveWith(loaded.effective(), options) });
    const claim = await claimRun({
      ...placeOf(site, id),
      signal,
      onWaiting: () => teller.say("waiting", {}, "another process is at this run: waiting for its end"),
    });
    if (claim.type === "ended") return tellEnd(teller, endOfRecord(claim.record), rounds);
    try {
      const end = await recorded(site, { id, wall }, async () => {
        const { name } = site.member;
        const passphrase = await readPassphrase(options.passphrase, { purpose: `identity of ${name}` });
        const parts = { site, run: id, wall, passphrase, signal, isWithdrawn: false };
        return runSite({ ...parts, onNews: teller.news });
      });
      if (end.outcome === "stopped") signal.throwIfAborted();
      return tellEnd(teller, end, rounds);
    } finally {
      await claim.lock.release();
    }
  } finally {
    teller.end();
  }
};

const placeOf = ({ config, job, contract }: PreparedSite, id: string) => ({
  state: config.state,
  runs: siteFolder(config.state, job).runs,
  run: id,
  contract,
});

interface Start {
  readonly site: PreparedSite;
  readonly wall: Wall;
  readonly id: string;
  readonly effective: string;
}

const sayStart = (teller: Teller, { site, wall, id, effective }: Start): void => {
  const { member, job, contract } = site;
  teller.say("config", { text: effective }, `config in force:\n${effective.trimEnd()}`);
  teller.say(
    "run",
    {
      contract,
      job: job.contract.job,
      member: member.id,
      name: member.name,
      wall: wall.strength,
      notice: wall.notice,
    },
    `run ${id}: contract ${job.contract.job} (${contract}), as member ${member.id} of ${job.members.length}, ${member.name}`,
  );
  const notice = wall.notice === undefined ? "" : `: ${wall.notice}`;
  teller.say("wall", { strength: wall.strength, notice: wall.notice }, `wall: ${wall.strength}${notice}`);
};

/** The record says `running` before anything runs, and how it ended whatever happens. */
const recorded = async (
  { config, job, contract }: PreparedSite,
  { id, wall }: { readonly id: string; readonly wall: Wall },
  take: () => Promise<RunEnd>,
): Promise<RunEnd> => {
  const { runs } = siteFolder(config.state, job);
  const running: RunRecord = {
    format: "bulkhead-run/1",
    run: id,
    contract,
    job: job.contract.job,
    startedAt: new Date().toISOString(),
    outcome: "running",
    applied: 0,
    wall: wall.strength,
  };
  await writeRunRecord(runs, running);
  const ended = ({ outcome, code, applied, problem }: RunEnd) =>
    writeRunRecord(runs, {
      ...running,
      endedAt: new Date().toISOString(),
      outcome,
      applied,
      ...(code !== undefined && { code }),
      ...(problem !== undefined && { problem: plain(problem) }),
    });
  try {
    const end = await take();
    await ended(end);
    return end;
  } catch (error) {
    const problem = error instanceof InputError ? error : undefined;
    await ended({ outcome: "failed", code: problem?.code ?? "internal-error", applied: 0, problem });
    throw error;
  }
};

const plain = ({ code, place, problem, cure }: InputProblem): InputProblem => ({
  code,
  place,
  problem,
  cure,
});

const endOfRecord = ({ outcome, code, applied, problem }: RunRecord): RunEnd => ({
  outcome: outcome === "running" ? "failed" : outcome,
  code,
  applied,
  problem,
});

/** Throws what went wrong, which ends the command with its line and exit code. */
const tellEnd = (teller: Teller, end: RunEnd, rounds: number): number => {
  const { outcome, code, applied, problem } = end;
  const words = outcome === "done" ? `done: ${applied} of ${rounds} rounds applied` : `ended as: ${outcome}`;
  teller.say("end", { outcome, code, applied, exitCode: exitOf(end) }, words);
  teller.end(problem);
  if (outcome === "done") return EXIT.done;
  if (problem !== undefined) throw new InputError(problem);
  return exitOf(end);
};
