/** What a round of a contract costs a site and the coordinator: bytes, seconds and memory, before anybody starts. */
import { parameterCount } from "@bulkhead/finetune";
import { type Contract, jobOf } from "@bulkhead/protocol";

export interface MachineRates {
  /** Bytes of mask stream that are expanded and added in a second, on all threads together. */
  readonly maskBytesPerSecond: number;
  /** Of one row in one step of local training; absent where it was not measured. */
  readonly secondsPerExample?: number;
}

/** Of one round in which nobody is lost. */
export interface RoundEstimate {
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Vectors and models that are held at once; base model and TensorFlow come on top at a site. */
  readonly memoryBytes: number;
  /** On disk for the time of the round. */
  readonly spoolBytes: number;
  /** Expanding and adding masks. */
  readonly maskingSeconds: number;
  /** Of local training; absent where its speed was not measured, and at the coordinator. */
  readonly trainingSeconds?: number;
}

export interface JobEstimate {
  readonly members: number;
  readonly rounds: number;
  readonly parameters: number;
  readonly site: RoundEstimate;
  readonly coordinator: RoundEstimate;
}

const F32 = 4;
const HASH = 32;
const SIGNED = 100;
const BOX_OVERHEAD = 72;
/** Envelopes, trailers, pings. */
const REST = 900;
/** What the engine and the links stage, whatever the vector's length. */
const STAGED = 16 * 2 ** 20;

export const estimateJob = (contract: Contract, rates: MachineRates): JobEstimate => {
  const { layout, members } = jobOf(contract);
  const n = members.length;
  const vector = layout.byteLength;
  const parameters = parameterCount(contract.tensors);
  const { up, down } = controlBytes(n);
  const [bytesUp, bytesDown] = [vector + up, vector + down];
  const { localSteps, batchSize, rounds } = contract.training;
  const { maskBytesPerSecond, secondsPerExample } = rates;
  const site = {
    bytesUp,
    bytesDown,
    memoryBytes: 2 * F32 * parameters + vector + STAGED,
    spoolBytes: vector,
    maskingSeconds: (n * vector) / maskBytesPerSecond,
    ...(secondsPerExample === undefined
      ? {}
      : { trainingSeconds: localSteps * batchSize * secondsPerExample }),
  };
  const coordinator = {
    bytesUp: n * bytesDown,
    bytesDown: n * bytesUp,
    memoryBytes: 2 * F32 * parameters + vector + STAGED,
    spoolBytes: n * vector,
    maskingSeconds: (n * vector) / maskBytesPerSecond,
  };
  return { members: n, rounds, parameters, site, coordinator };
};

/** Keys, shares, signatures and reveals of one member among `n`, as docs/protocol.md lays them out; within a fifth. */
const controlBytes = (n: number): { readonly up: number; readonly down: number } => {
  const share = HASH + 4 + HASH * Math.ceil(Math.log2(2 * n));
  const box = 2 * share + BOX_OVERHEAD;
  const advert = 2 * HASH + SIGNED;
  return {
    up: n * (box + share) + advert + REST,
    down: n * (advert + box + 2 * SIGNED) + REST,
  };
};
