/** A coordinator's life, from the open port to the last word to its members. */
import { InputError } from "@bulkhead/base";
import type { Job } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import type { FolderLock, Journal } from "@bulkhead/store";
import type { Listener } from "@bulkhead/transport";
import type { CoordinatorLog } from "./coordinator-log.ts";
import type { Enrolment } from "./enrolment.ts";
import type { Failure } from "./failure.ts";
import type { JobEntry } from "./journal/job-journal.ts";
import type { MemberDesk } from "./member-desk.ts";
import type { Reception } from "./reception.ts";
import type { RunEnd, RunReport } from "./report.ts";
import type { RollCall } from "./roll-call.ts";
import type { StatusFile } from "./status.ts";
import type { Training } from "./training.ts";

export interface JobParts {
  readonly job: Job;
  readonly state: string;
  readonly lock: FolderLock;
  readonly journal: Journal<JobEntry>;
  readonly listener: Listener;
  readonly enrolment: Enrolment;
  readonly desks: ReadonlyMap<MemberId, MemberDesk>;
  readonly rollCall: RollCall;
  readonly reception: Reception;
  readonly training: Training;
  readonly report: RunReport;
  readonly status: StatusFile;
  readonly failure: Failure;
  readonly log: CoordinatorLog;
  /** How long members that are away may keep everybody waiting. */
  readonly startWaitMs: number;
}

/** How long members have to take the last word. */
const FAREWELL_MS = 5000;

/** Runs the job to its end and closes everything; rejects with what kept it from going on. */
export const runJob = async (parts: JobParts, tellOutcome: (outcome: string) => void): Promise<RunEnd> => {
  const { training, failure, lock, log } = parts;
  lock.lost.addEventListener("abort", () => failure.report(lockLost(parts.state)));
  const played = playAndTell(parts);
  try {
    const end = await Promise.race([played, failure.failed]);
    tellOutcome(end.outcome);
    log.log(end.outcome === "failed" ? "error" : "info", "job-over", { ...end });
    return end;
  } catch (error) {
    tellOutcome("broken");
    throw error;
  } finally {
    training.stop();
    await played.catch(() => undefined);
    await close(parts);
  }
};

const playAndTell = async (parts: JobParts): Promise<RunEnd> => {
  const { training, report } = parts;
  const end = await training.run();
  // Members are told last: one that was told never asks again.
  await report.write(training.progress, end);
  if (end.outcome !== "done" && end.outcome !== "failed") return end;
  training.finishing();
  // Stopped before everybody knew: another start tells the rest.
  return (await sayFarewell(parts, end.outcome)) ? end : { outcome: "stopped" };
};

/** Stays until every member that can still come has the last sum and knows how the job ended; false if it was stopped. */
const sayFarewell = async (
  { desks, rollCall, reception, job, startWaitMs }: JobParts,
  outcome: "done" | "failed",
): Promise<boolean> => {
  reception.end(outcome);
  const { resumeMs, trainMs } = job.contract.timing;
  const isTold = (id: MemberId) => reception.told.has(id) || desks.get(id)!.hasLeft;
  const all = [...desks];
  // Members that have gone may come back for the last sum; of a failed job there is nothing to come back for.
  if (outcome === "done")
    await rollCall.wait({
      isMet: () => all.every(([id]) => isTold(id)),
      forMs: Math.min(resumeMs, startWaitMs),
    });
  await rollCall.wait({
    isMet: () => all.every(([id, desk]) => isTold(id) || !desk.hasSession),
    forMs: trainMs,
  });
  const flushed = Promise.all(all.map(([, desk]) => desk.flush()));
  await Promise.race([flushed, rollCall.wait({ isMet: () => false, forMs: FAREWELL_MS })]);
  return !rollCall.isStopped || outcome === "failed" || all.every(([id]) => isTold(id));
};

const close = async ({ enrolment, listener, journal, status, lock }: JobParts): Promise<void> => {
  enrolment.close();
  await listener.close();
  journal.close();
  await status.close();
  await lock.release();
};

const lockLost = (place: string): InputError =>
  new InputError({
    code: "folder-lost",
    place,
    problem: "another process has taken the state folder over while this one was suspended",
    cure: "let only one process use it",
  });
