/**
 * Weights on disk. A checkpoint for others is written after each round. Beside these the coordinator keeps the last models for itself; should they
 * be lost, they follow from the initial model and the published sums.
 */
import fs from "node:fs";
import path from "node:path";
import { equalBytes, InputError, invariant } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { fieldBytes, type Job } from "@bulkhead/protocol";
import { makeFolder, type NewFile, readFileBounded, writeFileAtomic } from "@bulkhead/store";
import { type Model, decodePublished, nextModel, readInitialModel, readModel } from "@bulkhead/party";
import { checkpointFiles } from "./checkpoint-files.ts";
import type { JobFolder } from "./job-folder.ts";
import type { AppliedEntry } from "./journal/job-journal.ts";
import { readSum } from "./published-rounds.ts";

const LONGEST_MODEL = 2 ** 31 - 1;
/** The newest, and the one before it. */
const MODELS_KEPT = 2;

/** The model of a round for this coordinator, and a checkpoint for those who use it: to be written, in folders that are there. */
export const modelFiles = async (
  folder: JobFolder,
  job: Job,
  round: number,
  model: Model,
): Promise<readonly NewFile[]> => {
  await makeFolder(folder.models);
  await makeFolder(folder.checkpoint(round));
  return [
    { path: folder.model(round), bytes: model.bytes },
    ...checkpointFiles(job, model).map(([name, bytes]) => ({
      path: path.join(folder.checkpoint(round), name),
      bytes,
    })),
  ];
};

/** Removes models that the coordinator no longer needs; checkpoints stay. */
export const dropOldModels = (folder: JobFolder, round: number): void => {
  fs.rmSync(folder.model(round - MODELS_KEPT), { force: true });
};

/** The model after all applied rounds; throws an {@link InputError} where neither it nor the way to it is there. */
export const loadModel = async (
  folder: JobFolder,
  job: Job,
  applied: readonly AppliedEntry[],
): Promise<Model> => {
  const last = applied.at(-1);
  if (last === undefined) return loadInitialModel(folder, job);
  const kept = await keptModel(folder, job, last);
  return kept ?? replayedModel(folder, job, applied);
};

const loadInitialModel = async (folder: JobFolder, job: Job): Promise<Model> =>
  readInitialModel(job, await readFileBounded(folder.initialModel, LONGEST_MODEL), folder.initialModel);

/** Takes the initial model into the job's folder, unless it is there; throws an {@link InputError} if it is another one. */
export const adoptInitialModel = async (folder: JobFolder, job: Job, file: string): Promise<void> => {
  if (fs.existsSync(folder.initialModel)) {
    const kept = sha256(await readFileBounded(folder.initialModel, LONGEST_MODEL));
    if (equalBytes(kept, fieldBytes(job.contract.initial.digest))) return;
  }
  const bytes = await readFileBounded(file, LONGEST_MODEL).catch((error: unknown) => {
    throw error instanceof InputError && error.code === "file-missing" ? noInitialModel(file) : error;
  });
  readInitialModel(job, bytes, file);
  await writeFileAtomic(folder.initialModel, bytes);
};

const noInitialModel = (file: string): InputError =>
  new InputError({
    code: "file-missing",
    place: file,
    problem: "the initial model is not there",
    cure: "name the initial.safetensors that was drafted with this contract: --initial",
  });

const keptModel = async (
  folder: JobFolder,
  job: Job,
  { round, modelHash }: AppliedEntry,
): Promise<Model | undefined> => {
  const file = folder.model(round);
  if (!fs.existsSync(file)) return undefined;
  const model = readModel(job, await readFileBounded(file, LONGEST_MODEL));
  return model !== undefined && equalBytes(model.hash, modelHash) ? model : undefined;
};

const replayedModel = async (
  folder: JobFolder,
  job: Job,
  applied: readonly AppliedEntry[],
): Promise<Model> => {
  let model = await loadInitialModel(folder, job);
  for (const entry of applied) {
    const sum = await readSum(folder, job, entry);
    const decoded = decodePublished(job, sum, entry.survivors.length);
    invariant(decoded !== undefined, "a sum that was applied once can be applied again");
    model = nextModel(job, model, decoded);
    if (!equalBytes(model.hash, entry.modelHash)) throw otherModel(folder, entry.round);
  }
  return model;
};

const otherModel = (folder: JobFolder, round: number): InputError =>
  new InputError({
    code: "state-damaged",
    place: folder.journal,
    problem: `the model of round ${round} does not follow from the published sums`,
    cure: "restore the state folder from a copy",
  });
