/** `report`: the report of a job as a table, or as it is. */
import fs from "node:fs";
import path from "node:path";
import { InputError, ShapeError } from "@bulkhead/base";
import { EXIT, humanBytes, humanSeconds, renderTable, z } from "@bulkhead/console";
import { jobOf } from "@bulkhead/protocol";
import { parseJson, readAnyContractFile, readOwnFile, tellResult } from "@bulkhead/party";
import { loadCoordinatorConfig } from "../config.ts";
import { jobFolder } from "../job-folder.ts";

const LONGEST_REPORT = 2 ** 30;

const reportSchema = z.object({
  kind: z.literal("bulkhead/run"),
  job: z.string(),
  contract: z.string(),
  outcome: z.string(),
  reason: z.object({ code: z.string(), words: z.string() }).optional(),
  engine: z.string().optional(),
  roundsPlanned: z.number(),
  roundsApplied: z.number(),
  checkpoint: z.string().nullable(),
  best: z.object({ round: z.number(), checkpoint: z.string().nullable() }).optional(),
  rounds: z.array(
    z.object({
      round: z.number(),
      attempt: z.number().optional(),
      survivors: z.array(z.string()).default([]),
      lost: z.array(z.string()).default([]),
      secondsByStage: z.record(z.string(), z.number()).default({}),
      bytesBySite: z.record(z.string(), z.object({ up: z.number(), down: z.number() })).default({}),
      meanLoss: z.number().nullable().default(null),
      heldOut: z
        .object({ loss: z.number().optional(), accuracy: z.number().optional() })
        .nullable()
        .default(null),
    }),
  ),
});
type Report = z.output<typeof reportSchema>;

interface ReportOptions {
  readonly config: string;
  readonly contract?: string;
  readonly json?: true;
}

export const showReport = async ({ config: file, contract, json }: ReportOptions): Promise<number> => {
  const { config } = await loadCoordinatorConfig(file);
  const place = contract === undefined ? latestReport(config.state) : await reportOf(config.state, contract);
  const found = await readReport(place);
  if (found === undefined) throw missing(place);
  if (json) process.stdout.write(found.bytes);
  else tellResult(undefined, {}, linesOf(found.report, place));
  return EXIT.done;
};

/** With its bytes, as they stand. */
const readReport = (place: string) =>
  readOwnFile(place, {
    longest: LONGEST_REPORT,
    parse: (bytes) => {
      const parsed = reportSchema.safeParse(parseJson(bytes));
      if (!parsed.success) throw new ShapeError(parsed.error.issues[0]?.path.join(".") ?? "", "a report");
      return { bytes, report: parsed.data };
    },
    damaged: {
      code: "report-not-readable",
      problem: "it is no report of a coordinator of this version",
      cure: "restore it from a copy",
    },
  });

const reportOf = async (state: string, contractFile: string): Promise<string> => {
  const { contract } = await readAnyContractFile(contractFile);
  const { report } = jobFolder(state, jobOf(contract));
  if (!fs.existsSync(report)) throw missing(report);
  return report;
};

const latestReport = (state: string): string => {
  const jobs = path.join(state, "jobs");
  const reports = (fs.existsSync(jobs) ? fs.readdirSync(jobs) : [])
    .map((job) => path.join(jobs, job, "report.json"))
    .filter((report) => fs.existsSync(report))
    .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
  const [latest] = reports;
  if (latest === undefined) throw missing(jobs);
  return latest;
};

const missing = (place: string): InputError =>
  new InputError({
    code: "report-missing",
    place,
    problem: "there is no report yet",
    cure: "a report is written when the first round is over, or when the job ends",
  });

const linesOf = (report: Report, place: string): readonly string[] => {
  const { job, outcome, reason, roundsApplied, roundsPlanned, checkpoint, rounds } = report;
  const heldOut = rounds.some((round) => round.heldOut !== null) ? ["held-out loss", "accuracy"] : [];
  return [
    `Job ${job} (contract ${report.contract.slice(0, 16)}…): ${outcome}, ${roundsApplied} of ${roundsPlanned} rounds.`,
    ...(reason === undefined ? [] : [`Why: ${reason.words} (${reason.code})`]),
    renderTable({
      head: ["round", "attempt", "survivors", "mean loss", ...heldOut, "bytes up", "bytes down", "time"],
      rows: rounds.map((round) => rowOf(round, heldOut.length > 0)),
    }),
    ...(heldOut.length === 0
      ? []
      : ["Held-out rows are judged with the model that a round begins with: round 1 with the base model."]),
    ...(report.engine === undefined ? [] : [`Ring engine: ${report.engine}`]),
    ...(checkpoint === null ? [] : [`Checkpoint: ${checkpoint}`]),
    ...bestLines(report.best),
    `In full: ${place}`,
  ];
};

const bestLines = (best: Report["best"]): readonly string[] => {
  if (best === undefined) return [];
  return [
    best.checkpoint === null
      ? "By the held-out rows no model was better than the base model."
      : `Best by the held-out rows: the model after round ${best.round}, ${best.checkpoint}`,
  ];
};

const rowOf = (round: Report["rounds"][number], hasHeldOut: boolean): readonly (string | number)[] => {
  const sites = Object.values(round.bytesBySite);
  const seconds = Object.values(round.secondsByStage).reduce((sum, one) => sum + one, 0);
  return [
    round.round,
    round.attempt ?? "-",
    `${round.survivors.length}${round.lost.length === 0 ? "" : ` (without ${round.lost.join(", ")})`}`,
    round.meanLoss === null ? "-" : round.meanLoss.toFixed(4),
    ...(hasHeldOut
      ? [round.heldOut?.loss?.toFixed(4) ?? "-", round.heldOut?.accuracy?.toFixed(3) ?? "-"]
      : []),
    humanBytes(sites.reduce((sum, { up }) => sum + up, 0)),
    humanBytes(sites.reduce((sum, { down }) => sum + down, 0)),
    humanSeconds(seconds),
  ];
};
