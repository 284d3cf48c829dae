/** The trained part of the model: one flat vector, its canonical bytes, and the hash that names it in every context. */
import { equalBytes, InputError, invariant } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import {
  applyUpdate,
  canonicalModelBytes,
  freshMemory,
  memoryTensors,
  parameterCount,
  type ServerModel,
  type TensorSpec,
} from "@bulkhead/finetune";
import { fieldBytes, type Job, modelHash } from "@bulkhead/protocol";
import { type DecodedSum, decodeSum, payloadOf } from "@bulkhead/secagg";
import { freshRecord, nextRecord, type StoppingRecord, stoppingTensors } from "./stopping.ts";

export interface Model extends ServerModel {
  /** What every party knows of how the models did that were judged. */
  readonly stopping: StoppingRecord;
  /** Of the trained tensors, and of what update rule and early stopping remember after the first round. */
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

/** Every party computes what is remembered too, so it is part of what the hash names. */
const specsWithMemory = (job: Job): readonly TensorSpec[] => {
  const { tensors, update } = job.contract;
  return [...tensors, ...memoryTensors(update.rule, parameterCount(tensors)), ...stoppingTensors(job)];
};

const modelOf = (job: Job, { flat, memory }: ServerModel, stopping: StoppingRecord): Model => {
  const whole = memory.length + stopping.length === 0 ? flat : joined([flat, ...memory, stopping]);
  const bytes = canonicalModelBytes(specsWithMemory(job), whole);
  return { flat, memory, stopping, bytes, hash: modelHash(job, bytes) };
};

const joined = (vectors: readonly Float32Array[]): Float32Array => {
  const whole = new Float32Array(vectors.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const vector of vectors) {
    whole.set(vector, at);
    at += vector.length;
  }
  return whole;
};

/** The values of canonical bytes; `undefined` for all else than a model with these tensors. */
export const parseModel = (specs: readonly TensorSpec[], bytes: Uint8Array): Float32Array | undefined => {
  const header = bytes.length - parameterCount(specs) * Float32Array.BYTES_PER_ELEMENT;
  if (header < 0) return undefined;
  // A copy: the values need not stand at a multiple of four.
  const flat = new Float32Array(new Uint8Array(bytes.subarray(header)).buffer);
  return equalBytes(canonicalModelBytes(specs, flat), bytes) ? flat : undefined;
};

/** A model of any round: that of none has no memory of earlier ones yet. */
export const readModel = (job: Job, bytes: Uint8Array): Model | undefined => {
  const { tensors, update } = job.contract;
  const length = parameterCount(tensors);
  const fresh = parseModel(tensors, bytes);
  if (fresh !== undefined) {
    const memory = freshMemory(update.rule, length);
    return { flat: fresh, memory, stopping: freshRecord(job), bytes, hash: modelHash(job, bytes) };
  }
  const whole = parseModel(specsWithMemory(job), bytes);
  if (whole === undefined) return undefined;
  const memory = memoryTensors(update.rule, length).map((_, i) =>
    whole.slice((i + 1) * length, (i + 2) * length),
  );
  const stopping = whole.slice((memory.length + 1) * length);
  return modelOf(job, { flat: whole.slice(0, length), memory }, stopping);
};

/** The model with which round 1 starts; throws an {@link InputError} unless it is the one that the contract names. */
export const readInitialModel = (job: Job, bytes: Uint8Array, place: string): Model => {
  const isNamed = equalBytes(sha256(bytes), fieldBytes(job.contract.initial.digest));
  const model = isNamed ? readModel(job, bytes) : undefined;
  if (model !== undefined) return model;
  throw new InputError({
    code: "contract-other-model",
    place,
    problem: isNamed
      ? "its tensors are not those of the contract"
      : "it is not the initial model that the contract names",
    cure: "give the initial.safetensors that was drafted with this contract",
  });
};

/** `undefined` if so many members cannot have sent such a sum. */
export const decodePublished = (job: Job, sum: Uint8Array, survivors: number): DecodedSum | undefined =>
  decodeSum(job.quantisation, payloadOf(job.layout, sum), survivors);

/** The model of the next round, the same bits at every party. */
export const nextModel = (job: Job, model: Model, { mean, scalars }: DecodedSum): Model => {
  const next = applyUpdate(model, mean, job.contract.update.rule);
  const isFinite = [next.flat, ...next.memory].every((vector) => vector.every(Number.isFinite));
  invariant(isFinite, "the next model is finite");
  return modelOf(job, next, nextRecord(job, model.stopping, scalars));
};
