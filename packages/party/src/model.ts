/** The trained part of the model: one flat vector, its canonical bytes, and the hash that names it in every context. */
import { equalBytes, InputError, invariant } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { applyUpdate, canonicalModelBytes, parameterCount, type TensorSpec } from "@bulkhead/finetune";
import { fieldBytes, type Job, modelHash } from "@bulkhead/protocol";
import { type DecodedSum, decodeSum, payloadOf } from "@bulkhead/secagg";

export interface Model {
  readonly flat: Float32Array;
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
}

const modelOf = (job: Job, flat: Float32Array): Model => {
  const bytes = canonicalModelBytes(job.contract.tensors, flat);
  return { flat, bytes, hash: modelHash(job, bytes) };
};

/** The values of canonical bytes; `undefined` for all else than a model with these tensors. */
export const parseModel = (specs: readonly TensorSpec[], bytes: Uint8Array): Float32Array | undefined => {
  const header = bytes.length - parameterCount(specs) * Float32Array.BYTES_PER_ELEMENT;
  if (header < 0) return undefined;
  // A copy: the values need not stand at a multiple of four.
  const flat = new Float32Array(new Uint8Array(bytes.subarray(header)).buffer);
  return equalBytes(canonicalModelBytes(specs, flat), bytes) ? flat : undefined;
};

export const readModel = (job: Job, bytes: Uint8Array): Model | undefined => {
  const flat = parseModel(job.contract.tensors, bytes);
  return flat && modelOf(job, flat);
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
export const nextModel = (job: Job, model: Model, { mean }: DecodedSum): Model => {
  const next = applyUpdate(model.flat, mean, job.contract.update.rule);
  invariant(next.every(Number.isFinite), "the next model is finite");
  return modelOf(job, next);
};
