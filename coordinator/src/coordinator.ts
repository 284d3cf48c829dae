/** The composition root: everything that a coordinator is made of, put together once, for one contract. */
import path from "node:path";
import { equalBytes, InputError } from "@bulkhead/base";
import { engineText, type RingEngine } from "@bulkhead/compute";
import type { Identity } from "@bulkhead/crypto";
import {
  type ClientFrame,
  type CoordinatorFrame,
  fieldBytes,
  type Job,
  jobOf,
  openAttempt,
  type SignedContract,
  stepCoordinator,
} from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { type FolderLock, type Journal, lockFolder } from "@bulkhead/store";
import { type ListenOptions, listenWebSocket, type SessionLimits } from "@bulkhead/transport";
import { type Model, expectAllSigned, expectKnownTask } from "@bulkhead/party";
import { adoptInitialModel, loadModel } from "./checkpoints.ts";
import { type CoordinatorLog, memberLog, SILENT, turnedAwayLog } from "./coordinator-log.ts";
import { Enrolment } from "./enrolment.ts";
import { Failure } from "./failure.ts";
import { type JobFolder, jobFolder, openJobFolder } from "./job-folder.ts";
import { type JobEntry, openJobJournal } from "./journal/job-journal.ts";
import { NO_PROGRESS, type Progress, progressAfter } from "./journal/progress.ts";
import { MemberDesk } from "./member-desk.ts";
import { Metrics } from "./metrics.ts";
import type { CoordinatorMachine } from "./open-round.ts";
import { Reception } from "./reception.ts";
import { openRunReport, type RunEnd, type RunReport } from "./report.ts";
import { RollCall } from "./roll-call.ts";
import { type JobParts, runJob } from "./run-job.ts";
import { StatusFile } from "./status.ts";
import { Training } from "./training.ts";

export interface CoordinatorOptions {
  /** The state folder; one process at a time uses it. */
  readonly state: string;
  /** Of the provider that the contract names. */
  readonly identity: Identity;
  readonly signed: SignedContract;
  /** The canonical bytes of the model with which round 1 starts; read at the first start. */
  readonly initialModel: string;
  readonly listen: Omit<ListenOptions, "onLink" | "healthz">;
  readonly startWaitMs: number;
  /** Left open when the coordinator ends. */
  readonly engine: RingEngine;
  readonly sessionLimits?: Partial<SessionLimits>;
  /** In bytes, of messages that wait for one member. */
  readonly longestOutbox?: number;
  readonly log?: CoordinatorLog;
  /** The protocol's own unless a test or a scenario puts another in its place. */
  readonly machine?: CoordinatorMachine;
  /** Gives what goes out in place of a frame: the frame itself unless a scenario alters it. */
  readonly send?: (frame: CoordinatorFrame, to: MemberId) => readonly CoordinatorFrame[];
  /** Is shown every frame that a member has sent, before anything is made of it. */
  readonly overhear?: (frame: ClientFrame, from: MemberId) => void;
}

export interface RunningCoordinator {
  /** With the port that was taken. */
  readonly url: string;
  readonly port: number;
  readonly report: string;
  /** How the run ended; rejects where it could not go on: with an {@link InputError}, or for a bug. */
  readonly done: Promise<RunEnd>;
  /** Ends as after a signal; another start goes on from there. */
  readonly stop: () => void;
}

const LONGEST_OUTBOX = 16 * 2 ** 20;
const MACHINE: CoordinatorMachine = { open: openAttempt, step: stepCoordinator };

/** Throws an {@link InputError} where the contract, the state folder, the model or the port cannot be used. */
export const startCoordinator = async (options: CoordinatorOptions): Promise<RunningCoordinator> => {
  const job = checkedJob(options.signed, options.identity);
  const lock = await lockFolder(options.state);
  try {
    return await start(options, job, lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
};

/** Every party has signed, and the provider is this identity. */
const checkedJob = (signed: SignedContract, { signing }: Identity): Job => {
  const { contract } = signed;
  expectAllSigned(signed, `contract ${contract.job}`);
  if (!equalBytes(fieldBytes(contract.provider.publicKey), signing.publicKey))
    throw new InputError({
      code: "contract-other-provider",
      place: `contract ${contract.job}`,
      problem: "its provider has another key than this identity",
      cure: "start it with the identity that drafted it",
    });
  expectKnownTask(contract);
  return jobOf(contract);
};

const start = async (
  options: CoordinatorOptions,
  job: Job,
  lock: FolderLock,
): Promise<RunningCoordinator> => {
  const folder = jobFolder(options.state, job);
  await openJobFolder(folder);
  const journal = await openJobJournal(folder.journal, job.contractHash);
  try {
    await adoptInitialModel(folder, job, options.initialModel);
    const progress = journal.entries.reduce(progressAfter, NO_PROGRESS);
    const model = await loadModel(folder, job, progress.applied);
    const report = await openRunReport(folder, job, { progress, engine: engineText(options.engine) });
    const parts = assemble(options, { job, folder, journal, progress, model, report });
    const listener = await listenWebSocket({
      ...options.listen,
      onLink: (link) => parts.enrolment.accept(link),
      healthz: () => ({ status: "ok" }),
    });
    return await launch(
      options,
      { ...parts, job, state: options.state, journal, report, listener, lock },
      folder,
    );
  } catch (error) {
    journal.close();
    throw error;
  }
};

interface Opened {
  readonly job: Job;
  readonly folder: JobFolder;
  readonly journal: Journal<JobEntry>;
  readonly progress: Progress;
  readonly model: Model;
  readonly report: RunReport;
}

interface Parts {
  readonly desks: ReadonlyMap<MemberId, MemberDesk>;
  readonly rollCall: RollCall;
  readonly reception: Reception;
  readonly training: Training;
  readonly enrolment: Enrolment;
  /** Whoever keeps the status sets it; it is called whenever that has changed. */
  readonly watcher: { changed: () => void };
  /** Ends the run with an error; the first one counts. */
  readonly failure: Failure;
}

const assemble = (
  {
    log = SILENT,
    machine = MACHINE,
    overhear = () => undefined,
    engine,
    identity,
    startWaitMs,
    ...options
  }: CoordinatorOptions,
  { job, folder, journal, progress, model, report }: Opened,
): Parts => {
  const failure = new Failure();
  const desks = openDesks(job, options, failure);
  const watcher = { changed: () => {} };
  const touch = () => watcher.changed();
  const rollCall = new RollCall(desks, touch);
  const logMember = memberLog(log);
  const reception = new Reception({ job, folder, desks, rollCall, logMember });
  const metrics = new Metrics(desks.values());
  const providerSecretKey = identity.signing.secretKey;
  const attempts = { job, folder, engine, machine, providerSecretKey };
  const run = { journal, reception, rollCall, metrics, report, log, startWaitMs, touch };
  const training = new Training({ ...attempts, ...run }, progress, model);
  const enrolment = new Enrolment({
    job,
    desks,
    providerKeys: identity.signing,
    sessionLimits: options.sessionLimits ?? {},
    events: {
      onFrame: (from, frame) => {
        overhear(frame, from);
        return reception.hear(from, frame);
      },
      onLost: (id) => reception.lost(id),
      onPresence: (from, presence, why) => {
        const { name } = job.memberById.get(from)!;
        logMember(presence === "malformed" ? "warn" : "info", { from, name, presence, why });
        rollCall.changed();
      },
      onTurnedAway: turnedAwayLog(log),
      onFailure: failure.report,
    },
  });
  return { desks, rollCall, reception, training, enrolment, watcher, failure };
};

const launch = async (
  { log = SILENT, listen, startWaitMs }: CoordinatorOptions,
  parts: Omit<JobParts, "status" | "log" | "startWaitMs"> & Parts,
  folder: JobFolder,
): Promise<RunningCoordinator> => {
  const { training, listener, failure, watcher, job, desks, rollCall } = parts;
  const { host, port } = listener;
  const url = `${listen.tls === undefined ? "ws" : "wss"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  let outcome = "running";
  const now = () => ({
    doing: training.doing,
    applied: training.progress.applied.length,
    attempt: training.attempt,
    ready: rollCall.ready(training.now).size,
    outcome,
  });
  const source = { job, url, desks: desks.values.bind(desks), now };
  const status = new StatusFile(path.join(parts.state, "status.json"), source, failure.report);
  watcher.changed = status.touch;
  await status.write();
  log.log("info", "listening", { url, host, port });
  const done = runJob({ ...parts, status, log, startWaitMs }, (said) => {
    outcome = said;
    void status.write();
  });
  return { url, port, report: folder.report, done, stop: () => training.stop() };
};

const openDesks = (
  job: Job,
  {
    send = (frame) => [frame],
    longestOutbox = LONGEST_OUTBOX,
  }: Pick<CoordinatorOptions, "send" | "longestOutbox">,
  failure: Failure,
): ReadonlyMap<MemberId, MemberDesk> =>
  new Map(
    job.members.map((member) => [
      member.id,
      new MemberDesk(member, {
        longestOutbox,
        alter: (frame) => send(frame, member.id),
        onFailure: failure.report,
      }),
    ]),
  );
