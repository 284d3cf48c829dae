/** The part of a contract that its task decides: base model, what is trained, and with which values it starts. */
import path from "node:path";
import { bytesToHex, hexToBytes, InputError, invariant, type Json } from "@bulkhead/base";
import { randomBytes } from "@bulkhead/crypto";
import {
  adapterPlaces,
  baseDigest,
  canonicalModelBytes,
  type ClassifierTask,
  classifierTensors,
  initialAdapters,
  initialClassifier,
  languageModelDigest,
  languageTensors,
  type LoraPlan,
  modelPlace,
  parameterCount,
  type TensorSpec,
} from "@bulkhead/finetune";
import { parseModel } from "@bulkhead/party";
import type { Contract } from "@bulkhead/protocol";
import { defaultRange } from "@bulkhead/secagg";
import { readFileBounded } from "@bulkhead/store";
import type { JobDescription } from "../job-description.ts";

interface DraftedTask {
  readonly base: Contract["base"];
  readonly task: { readonly [key: string]: Json };
  readonly tensors: Contract["tensors"];
  /** Canonical bytes. */
  readonly initialModel: Uint8Array;
}

const LONGEST_MODEL = 2 ** 31 - 1;

/** `file` is the description's, for errors and relative paths. Throws an {@link InputError}. */
export const draftedTask = (job: JobDescription, file: string): Promise<DraftedTask> => {
  switch (job.task.kind) {
    case "classifier":
      return classifierTask(job, file);
    case "language-model":
      return languageTask(job, file);
    case "module":
      return moduleTask(job, file);
  }
};

const withRanges = (
  { update }: JobDescription,
  tensors: readonly (TensorSpec & { readonly range?: number | undefined })[],
): Contract["tensors"] =>
  tensors.map(({ name, shape, range }) => ({
    name,
    shape,
    range: range ?? defaultRange(update.clipNorm, parameterCount([{ name, shape }])),
  }));

const classifierTask = async (job: JobDescription, file: string): Promise<DraftedTask> => {
  const { task, model } = job;
  invariant(task.kind === "classifier", "a classifier task");
  if (model?.folder === undefined) throw noModel(file, "a classifier needs a base model in a folder");
  const { classes, maxTokens, lora, logitScale, labelPhrases } = task;
  const described: ClassifierTask = { classes, maxTokens, lora, logitScale };
  const specs = await classifierTensors(model.folder, described);
  const seed = task.seed === undefined ? randomBytes(32) : hexToBytes(task.seed)!;
  const initialModel =
    task.initial === undefined
      ? canonicalModelBytes(specs, await initialClassifier(model.folder, described, { seed, labelPhrases }))
      : await modelFromFile(file, task.initial, specs);
  return {
    base: {
      name: model.name,
      architecture: model.architecture,
      digest: bytesToHex(await baseDigest(model.folder)),
    },
    task: { kind: "classifier", classes, maxTokens, lora, logitScale },
    tensors: withRanges(job, specs),
    initialModel,
  };
};

const noModel = (file: string, problem: string): InputError =>
  new InputError({
    code: "config-missing-key",
    place: `${file} model`,
    problem,
    cure: "name its folder (a language model's may be one GGUF file), name and architecture",
  });

const languageTask = async (job: JobDescription, file: string): Promise<DraftedTask> => {
  const { task, model } = job;
  invariant(task.kind === "language-model", "a language model's task");
  const place = model && modelPlace(model);
  if (place === undefined) throw noModel(file, "a language model's task needs a base model");
  const { kind, lora, maxTokens, rows, heldOut } = task;
  const draw = {
    seed: task.seed ?? bytesToHex(randomBytes(32)),
    ...(task.deviation === undefined ? {} : { deviation: task.deviation }),
  };
  const plan = loraPlan(lora);
  const { shape, tensors } = await languageTensors(place, plan);
  const inputs = adapterPlaces(shape, kind, plan).map((adapter) => adapter.inputs);
  const factors = plan.frozenA === true ? { ...draw, inputs } : undefined;
  const initialModel =
    task.initial === undefined
      ? canonicalModelBytes(tensors, initialAdapters(shape, plan, draw))
      : await modelFromFile(file, task.initial, tensors);
  const { name, architecture } = model!;
  return {
    base: { name, architecture, digest: bytesToHex(await languageModelDigest(place)) },
    task: json({ kind, family: shape.family, lora, factors, maxTokens, rows, heldOut }),
    tensors: withRanges(job, tensors),
    initialModel,
  };
};

const loraPlan = ({
  layers,
  dropout,
  rankStabilised,
  frozenA,
  ...plan
}: Extract<JobDescription["task"], { readonly kind: "language-model" }>["lora"]): LoraPlan => ({
  ...plan,
  ...(layers === undefined ? {} : { layers }),
  ...(dropout === undefined ? {} : { dropout }),
  ...(rankStabilised === undefined ? {} : { rankStabilised }),
  ...(frozenA === undefined ? {} : { frozenA }),
});

/** Without the fields that hold `undefined`. */
const json = (value: object): { readonly [key: string]: Json } =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what JSON.parse gives of an object
  JSON.parse(JSON.stringify(value)) as { readonly [key: string]: Json };

const moduleTask = async (job: JobDescription, file: string): Promise<DraftedTask> => {
  const { task } = job;
  invariant(task.kind === "module", "a module task");
  const specs = task.tensors.map(({ name, shape }) => ({ name, shape }));
  const initialModel =
    task.initial === "zeros"
      ? canonicalModelBytes(specs, new Float32Array(parameterCount(specs)))
      : await modelFromFile(file, task.initial, specs);
  return {
    base: { name: "none", architecture: "module", digest: task.baseDigest ?? "00".repeat(32) },
    task: { kind: "module", ...(task.settings === undefined ? {} : { settings: task.settings }) },
    tensors: withRanges(job, task.tensors),
    initialModel,
  };
};

/** Only the canonical form is taken: equal models then have equal digests. */
const modelFromFile = async (
  file: string,
  relative: string,
  specs: readonly TensorSpec[],
): Promise<Uint8Array> => {
  const place = path.resolve(path.dirname(file), relative);
  const bytes = await readFileBounded(place, LONGEST_MODEL);
  if (parseModel(specs, bytes) === undefined)
    throw new InputError({
      code: "config-initial-model",
      place,
      problem: "it is no safetensors file with exactly the task's tensors, in their order, as 32-bit floats",
      cure: "give one that a coordinator has written for the same task",
    });
  return bytes;
};
