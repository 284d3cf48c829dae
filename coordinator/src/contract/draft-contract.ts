/** From a job description to a contract and the model with which it starts. */
import { bytesToHex, hexToBytes, InputError, invariant, type Json, ShapeError } from "@bulkhead/base";
import { randomBytes, sha256 } from "@bulkhead/crypto";
import {
  baseDigest,
  canonicalModelBytes,
  type ClassifierTask,
  classifierTensors,
  initialClassifier,
  parameterCount,
  type TensorSpec,
} from "@bulkhead/finetune";
import { checkContract, type Contract, quantisationOf } from "@bulkhead/protocol";
import { defaultRange, payloadLaneCount, ringLayout, thresholdOf } from "@bulkhead/secagg";
import { type PublicIdentity, readFileBounded, readPublicIdentity } from "@bulkhead/store";
import { parseModel } from "@bulkhead/party";
import path from "node:path";
import type { JobDescription } from "../job-description.ts";

interface Draft {
  readonly contract: Contract;
  /** Canonical bytes. */
  readonly initialModel: Uint8Array;
}

type Trained = {
  readonly base: Contract["base"];
  readonly task: { readonly [key: string]: Json };
  readonly tensors: Contract["tensors"];
  readonly initialModel: Uint8Array;
};

const LONGEST_MODEL = 2 ** 31 - 1;
const USUAL_MINIMUM = 5;
/** A mean loss beyond this is clamped: it says only that training went wrong. */
const HIGHEST_MEAN_LOSS = 20;

/** `file` is where the description stands, for errors and relative paths. Throws an {@link InputError}. */
export const draftContract = async (
  job: JobDescription,
  file: string,
  provider: PublicIdentity,
): Promise<Draft> => {
  const members = await Promise.all(job.members.map(readPublicIdentity));
  const trained =
    job.task.kind === "classifier" ? await classifierTask(job, file) : await moduleTask(job, file);
  const { initialModel, ...known } = trained;
  const draft = {
    format: "bulkhead-contract/1" as const,
    job: job.job,
    purpose: job.purpose,
    provider: { ...party(provider), address: job.provider.address },
    members: members.map(party),
    ...known,
    initial: { digest: bytesToHex(sha256(initialModel)) },
    training: job.training,
    update: job.update,
    ring: job.ring,
    cohort: {
      minimum: job.cohort.minimum ?? Math.min(USUAL_MINIMUM, members.length),
      threshold: thresholdOf(members.length),
    },
    metrics: job.metrics ?? usualMetrics(job),
    timing: job.timing,
    retention: job.retention,
    parent: job.parent,
  };
  const { attemptsPerRound, bytes } = job.egress;
  const egress = { attemptsPerRound, bytes: bytes ?? 1 };
  const contract = checked({ ...draft, egress }, file);
  return {
    contract:
      bytes === undefined ? { ...contract, egress: { ...egress, bytes: neededBytes(contract) } } : contract,
    initialModel,
  };
};

const party = ({ name, publicKey }: PublicIdentity) => ({ name, publicKey: bytesToHex(publicKey) });

/** Fields that are absent must not be there: the contract's bytes are canonical. */
const checked = (draft: { readonly [field: string]: unknown }, file: string): Contract => {
  try {
    return checkContract(withoutAbsent(draft));
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new InputError({
      code: "config-contract",
      place: `${file} ${error.path}`,
      problem: `no contract can be made of it: expected ${error.expected}`,
      cure: "correct the job description",
    });
  }
};

const withoutAbsent = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(withoutAbsent);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([key, field]) => [key, withoutAbsent(field)]));
};

const usualMetrics = ({ training }: JobDescription): Contract["metrics"] => {
  const examples = training.localSteps * training.batchSize;
  return [
    { name: "examples", most: examples, resolution: 1 },
    { name: "loss-sum", most: HIGHEST_MEAN_LOSS * examples, resolution: 2 ** -10 },
  ];
};

/** What every attempt of every round takes. */
const neededBytes = (contract: Contract): number => {
  const { byteLength } = ringLayout({
    laneBits: contract.ring.bits,
    payloadLanes: payloadLaneCount(quantisationOf(contract)),
    segmentPayloadLanes: contract.ring.segmentLanes,
  });
  return byteLength * contract.training.rounds * contract.egress.attemptsPerRound;
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

const classifierTask = async (job: JobDescription, file: string): Promise<Trained> => {
  const { task, model } = job;
  invariant(task.kind === "classifier", "a classifier task");
  if (model === undefined)
    throw new InputError({
      code: "config-missing-key",
      place: `${file} model`,
      problem: "a classifier needs a base model",
      cure: "name its folder, name and architecture",
    });
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

const moduleTask = async (job: JobDescription, file: string): Promise<Trained> => {
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
