/** `doctor`: what this machine can compute with, how fast, what would cure what it cannot, and what a job would cost. */
import os from "node:os";
import type { Json } from "@bulkhead/base";
import { type BackendSurvey, type RingEngineStatus, ringEngines, surveyBackends } from "@bulkhead/compute";
import { EXIT, type ExitCode, humanBytes, humanSeconds, renderTable } from "@bulkhead/console";
import { measureTraining, type MeasuredTraining } from "@bulkhead/finetune";
import type { Contract } from "@bulkhead/protocol";
import { readAnyContractFile } from "./contract-files.ts";
import { classifierTaskOf, expectKnownTask } from "./contract-task.ts";
import { estimateJob, type JobEstimate, type RoundEstimate } from "./job-estimate.ts";
import { tellResult } from "./tell-result.ts";

export interface DoctorOptions {
  /** Whose round is estimated. */
  readonly side: "site" | "coordinator";
  readonly contract: string | undefined;
  /** Where a site's training is to be measured. */
  readonly training?: Pick<MeasuredTraining, "modelFolder" | "backend"> | undefined;
  readonly json: true | undefined;
}

/** Ends with code 0 where at least one backend and one ring engine work. */
export const doctor = async (options: DoctorOptions): Promise<ExitCode> => {
  const contract =
    options.contract === undefined ? undefined : (await readAnyContractFile(options.contract)).contract;
  if (contract !== undefined) expectKnownTask(contract);
  const backends = await surveyBackends();
  const engines = await ringEngines();
  const estimate = contract && (await estimateFor(contract, engines, options.training));
  const machine = machineFacts();
  const record = { machine, backends, engines, ...(estimate === undefined ? {} : { estimate }) };
  tellResult(options.json, plain(record), [
    `${machine.processor}, ${machine.cores} cores, ${humanBytes(machine.memoryBytes)} of memory (${humanBytes(machine.freeBytes)} free), Node ${machine.node}, ${machine.platform}`,
    "",
    ...backendLines(backends),
    "",
    ...engineLines(engines),
    ...(estimate === undefined ? [] : ["", ...estimateLines(estimate, options.side)]),
  ]);
  return [backends, engines].every((all) => all.some(({ usable }) => usable)) ? EXIT.done : EXIT.failed;
};

/** Only data, as JSON has it. */
const plain = (record: object): { readonly [field: string]: Json } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives of an object
  JSON.parse(JSON.stringify(record)) as { readonly [field: string]: Json };

const machineFacts = () => ({
  processor: os.cpus()[0]?.model.trim() ?? "an unnamed processor",
  cores: os.availableParallelism(),
  memoryBytes: os.totalmem(),
  freeBytes: os.freemem(),
  node: process.versions.node,
  platform: `${process.platform} ${process.arch}`,
});

const estimateFor = async (
  contract: Contract,
  engines: readonly RingEngineStatus[],
  training: DoctorOptions["training"],
): Promise<JobEstimate> => {
  const fastest = Math.max(
    0,
    ...engines.map((engine) => (engine.usable ? engine.gigabytesPerSecond * 1e9 : 0)),
  );
  const task = classifierTaskOf(contract);
  if (training === undefined || task === undefined)
    return estimateJob(contract, { maskBytesPerSecond: fastest });
  const { batchSize } = contract.training;
  const { secondsPerExample } = await measureTraining({ ...training, task, batchSize });
  return estimateJob(contract, { maskBytesPerSecond: fastest, secondsPerExample });
};

const backendLines = (backends: readonly BackendSurvey[]): readonly string[] => [
  "Backends for training, fastest first; `auto` takes the first that works",
  renderTable({
    head: ["backend", "", "GFLOP/s", "GB/s", "memory"],
    rows: backends.map((backend) =>
      backend.usable
        ? [
            backend.name,
            `${backend.version}, self-test ${backend.selfTest}`,
            backend.gflops.toFixed(1),
            backend.gigabytesPerSecond.toFixed(2),
            humanBytes(backend.residentBytes),
          ]
        : [backend.name, "cannot be used", "", "", ""],
    ),
  }),
  ...cures(backends),
];

const engineLines = (engines: readonly RingEngineStatus[]): readonly string[] => [
  "Engines for masks and sums, in the order in which `auto` tries them",
  renderTable({
    head: ["engine", "", "GB/s of masks"],
    rows: engines.map((engine) =>
      engine.usable
        ? [engine.name, `${engine.detail}, self-test passed`, engine.gigabytesPerSecond.toFixed(2)]
        : [engine.name, "cannot be used", ""],
    ),
  }),
  ...engines.flatMap((engine) => (engine.usable ? [] : [`  ${engine.name}: ${engine.why}`])),
];

const cures = (backends: readonly BackendSurvey[]): readonly string[] =>
  backends.flatMap((backend) =>
    backend.usable ? [] : [`  ${backend.name}: ${backend.problem}. Cure: ${backend.cure}.`],
  );

const estimateLines = (estimate: JobEstimate, side: DoctorOptions["side"]): readonly string[] => {
  const { members, rounds, parameters } = estimate;
  const round = estimate[side];
  return [
    `A round of this contract (${members} members, ${parameters.toLocaleString("en")} parameters, ${rounds} rounds), at ${side === "site" ? "this site" : "the coordinator"}, about`,
    `  Bytes: ${humanBytes(round.bytesUp)} out, ${humanBytes(round.bytesDown)} in; ${humanBytes(rounds * (round.bytesUp + round.bytesDown))} in all rounds.`,
    `  Memory: ${humanBytes(round.memoryBytes)} for updates and sums${side === "site" ? ", besides base model and backend" : ""}; ${humanBytes(round.spoolBytes)} on disk.`,
    `  Time: ${timeText(round, side)}.`,
  ];
};

const timeText = (
  { maskingSeconds, trainingSeconds }: RoundEstimate,
  side: DoctorOptions["side"],
): string => {
  const masking = `${humanSeconds(maskingSeconds)} of masks`;
  if (side === "coordinator") return `${masking}, besides waiting for the sites`;
  return trainingSeconds === undefined
    ? `${masking}; training is not measured (give --config of a site with the base model)`
    : `${humanSeconds(trainingSeconds)} of training, ${masking}`;
};
