/** Everything that a site takes part with: journal, rows, trainer, engine. */
import { openRingEngine, type RingEngine, type RingEngineOptions, useBf16 } from "@bulkhead/compute";
import { openThreadedTrainer, type Rows, type Trainer } from "@bulkhead/finetune";
import type { Journal } from "@bulkhead/store";
import { jobFolder, openJobFolder } from "./job-folder.ts";
import { type CellEntry, openCellJournal } from "./journal.ts";
import { KeptState } from "./kept-state.ts";
import { KeptUpdate } from "./kept-update.ts";
import type { Membership } from "./membership.ts";
import { Memory } from "./memory.ts";
import { type ModelAt, Models } from "./models.ts";
import { readAllRows, readSiteRows, type SiteRows } from "./site-rows.ts";
import { type OpenTrainer, openSiteTrainer } from "./site-trainer.ts";
import { TrainDesk } from "./train-desk.ts";

/** What is on the disk of a job that this site takes part in. */
export interface JobState {
  readonly memory: Memory;
  readonly models: Models;
  readonly keptUpdate: KeptUpdate;
  readonly keptState: KeptState;
  readonly close: () => void;
}

export interface Site extends Membership, JobState {
  readonly trainer: Trainer;
  readonly training: TrainDesk;
  readonly engine: RingEngine;
  readonly rows: SiteRows;
  /** Hidden rows that only this site judges models on. */
  readonly evaluation: Rows | undefined;
  /** Where this site goes on; `undefined` where the first model has yet to be fetched. */
  readonly start: ModelAt | undefined;
}

/** What a test or a simulation puts in place of threads. */
export interface SiteTools {
  readonly openTrainer?: OpenTrainer;
  readonly openEngine?: () => Promise<RingEngine>;
}

/** Throws an {@link InputError} where the journal is missing, damaged or not this contract's. */
export const openJobState = async ({ settings, job, identity }: Membership): Promise<JobState> => {
  const folder = jobFolder(settings.state, job);
  const journal: Journal<CellEntry> = await openCellJournal(folder, job, settings.isUsed);
  try {
    await openJobFolder(folder);
    return {
      memory: new Memory(journal, folder.journal),
      models: new Models(folder.models),
      keptUpdate: new KeptUpdate(folder.keptUpdate, job, identity.siteSecret),
      keptState: new KeptState(folder.keptState, job, identity.siteSecret),
      close: () => journal.close(),
    };
  } catch (error) {
    journal.close();
    throw error;
  }
};

/** Throws an {@link InputError} about rows, base model or trainer; what was opened is closed then. */
export const openSite = async (
  membership: Membership,
  state: JobState,
  tools: SiteTools,
  signal: AbortSignal,
): Promise<Site> => {
  const { settings, job } = membership;
  const { contract } = job;
  const start = await state.models.newest(job, state.memory.progress);
  const rows = await readSiteRows(settings.data, contract, signal);
  const evaluation = settings.evaluation && (await readAllRows(settings.evaluation, contract, signal)).rows;
  signal.throwIfAborted();
  if (settings.precision === "bf16") useBf16();
  const openTrainer = tools.openTrainer ?? openThreadedTrainer;
  const trainer = await openSiteTrainer(
    contract,
    { ...settings, spillFolder: jobFolder(settings.state, job).home },
    rows.rows,
    openTrainer,
  );
  try {
    const engine = await (tools.openEngine ?? (() => openRingEngine(engineOptions(settings))))();
    const training = new TrainDesk(trainer);
    return { ...membership, ...state, trainer, training, engine, rows, evaluation, start };
  } catch (error) {
    await trainer.close();
    throw error;
  }
};

const engineOptions = ({ ringEngine, ringThreads }: Membership["settings"]): RingEngineOptions => ({
  engine: ringEngine,
  ...(ringThreads !== undefined && { threads: ringThreads }),
});
