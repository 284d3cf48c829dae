/** A program of its own: `mail-baselines.js judge JOB.json` or `probe MODEL-FOLDER`; its last line is the answer, in JSON. */
import { readFile } from "node:fs/promises";
import { bytesToHex, canonicalJson, equalBytes, invariant, utf8 } from "@bulkhead/base";
import { openBackend } from "@bulkhead/compute";
import { EXIT, runMain } from "@bulkhead/console";
import { sha256 } from "@bulkhead/crypto";
import {
  type ActivationStore,
  applyUpdate,
  type ClassifierTrainer,
  evaluationOf,
  freshMemory,
  type Judged,
  canonicalModelBytes,
  type ClassifierTask,
  type Example,
  measureTraining,
  openClassifierTrainer,
  readClassifierCheckpoint,
  type ServerModel,
} from "@bulkhead/finetune";
import { classifierTaskOf, readInitialModel, readAnyContractFile } from "@bulkhead/party";
import { type Contract, jobOf } from "@bulkhead/protocol";
import { folderStore } from "./activation-folder.ts";
import type { BaselineJob, Judgement, ModelSource, Probe } from "./baselines.ts";

/** Ham and spam. */
const CLASSES = 2;

interface Setting {
  readonly job: BaselineJob;
  readonly contract: Contract;
  readonly task: ClassifierTask;
  readonly initial: Float32Array;
  readonly activations: ActivationStore;
}

const openSetting = async (jobFile: string): Promise<Setting> => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by baselines.ts
  const job = JSON.parse(await readFile(jobFile, "utf8")) as BaselineJob;
  const { contract } = await readAnyContractFile(job.contract);
  const task = classifierTaskOf(contract);
  invariant(task !== undefined, "the mail filter is a classifier");
  const initial = readInitialModel(jobOf(contract), await readFile(job.initialModel), job.initialModel);
  return { job, contract, task, initial: initial.flat, activations: folderStore(job.activations) };
};

interface Made {
  readonly model: Float32Array;
  readonly seconds: number;
}

const make = async (setting: Setting, name: string, from: ModelSource): Promise<Made> => {
  const started = performance.now();
  const model = await modelFrom(setting, name, from);
  return { model, seconds: Math.round((performance.now() - started) / 10) / 100 };
};

const modelFrom = async (setting: Setting, name: string, from: ModelSource): Promise<Float32Array> => {
  if (from.type === "initial") return setting.initial;
  if (from.type === "trained") return train(setting, name, from);
  const { model, task } = await readClassifierCheckpoint(from.folder, setting.job.modelFolder);
  const isSameTask = equalBytes(canonicalJson({ ...task }), canonicalJson({ ...setting.task }));
  invariant(isSameTask, "a checkpoint carries the contract's task");
  return model;
};

/** The same rounds, steps, schedule and optimiser as in the federation, without anybody else. */
const train = async (
  { job: { modelFolder, seed }, contract: { training, update }, task, initial, activations }: Setting,
  name: string,
  { rows, batchSize }: Extract<ModelSource, { readonly type: "trained" }>,
): Promise<Float32Array> => {
  const examples = await readRows(rows);
  const trainer = await openClassifierTrainer({ modelFolder, task, examples }, activations);
  const shuffleSeed = sha256(utf8(`baseline ${name} ${seed}`));
  let model: ServerModel = { flat: initial, memory: freshMemory(update.rule, initial.length) };
  for (let round = 1; round <= training.rounds; round++) {
    const job = { ...training, batchSize, round, shuffleSeed };
    const outcome = await trainer.train({ ...job, model: model.flat });
    invariant(outcome.type === "trained", "a baseline is trained on sound rows");
    model = applyUpdate(model, outcome.update, update.rule);
  }
  await trainer.close();
  return model.flat;
};

const readRows = async (files: readonly string[]): Promise<readonly Example[]> => {
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return texts.flatMap((text) =>
    text
      .split("\n")
      .filter((line) => line !== "")
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by mail-sites.ts
      .map((line) => JSON.parse(line) as Example),
  );
};

const judgeAll = async (jobFile: string): Promise<Readonly<Record<string, Judgement>>> => {
  const setting = await openSetting(jobFile);
  const { job, task, activations } = setting;
  const made = new Map<string, Made>();
  for (const { name, from } of job.models) made.set(name, await make(setting, name, from));
  const { modelFolder } = job;
  const trainer = await openClassifierTrainer({ modelFolder, task, examples: [] }, activations);
  const judged: Record<string, Judgement> = {};
  for (const { name, own } of job.models)
    judged[name] = await judge(job, trainer, { ...made.get(name)!, own });
  return judged;
};

const judge = async (
  { tests }: BaselineJob,
  trainer: ClassifierTrainer,
  { model, seconds, own }: Made & { readonly own: readonly string[] },
): Promise<Judgement> => {
  const judged = new Map<string, readonly Judged[]>();
  for (const [site, file] of Object.entries(tests))
    judged.set(site, await trainer.judge(model, await readRows([file])));
  const figures = (all: readonly Judged[]) => evaluationOf(all, CLASSES);
  return {
    joint: figures([...judged.values()].flat()),
    own: Object.fromEntries(own.map((site) => [site, figures(judged.get(site)!)])),
    digest: bytesToHex(sha256(canonicalModelBytes(trainer.tensors, model))),
    trainingSeconds: seconds,
  };
};

const PROBED_ROWS = 8;
const PROBE_TASK: ClassifierTask = {
  classes: 2,
  maxTokens: 64,
  lora: { rank: 8, alpha: 16, layers: [3, 4, 5] },
  logitScale: 10,
};

/** How fast training is matters only where it is slow. */
const probe = async (modelFolder: string): Promise<Probe> => {
  const { name, notice } = await openBackend("auto");
  if (notice === undefined) return { backend: name };
  const { secondsPerExample } = await measureTraining({
    modelFolder,
    task: PROBE_TASK,
    batchSize: PROBED_ROWS,
  });
  return { backend: name, notice, secondsPerExample };
};

runMain(async ([mode, place]) => {
  invariant(place !== undefined && (mode === "judge" || mode === "probe"), "called by a scenario");
  console.log(JSON.stringify(mode === "judge" ? await judgeAll(place) : await probe(place)));
  return EXIT.done;
});
