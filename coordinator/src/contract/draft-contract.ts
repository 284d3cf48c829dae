/** From a job description to a contract and the model with which it starts. */
import { bytesToHex, InputError, ShapeError } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import { expectKnownMetrics, expectKnownTask } from "@bulkhead/party";
import { checkContract, type Contract, quantisationOf } from "@bulkhead/protocol";
import { payloadLaneCount, ringLayout, thresholdOf } from "@bulkhead/secagg";
import { type PublicIdentity, readPublicIdentity } from "@bulkhead/store";
import type { JobDescription } from "../job-description.ts";
import { draftedTask } from "./drafted-task.ts";
import { usualMetrics } from "./usual-metrics.ts";

interface Draft {
  readonly contract: Contract;
  /** Canonical bytes. */
  readonly initialModel: Uint8Array;
}

const USUAL_MINIMUM = 5;

/** `file` is where the description stands, for errors and relative paths. Throws an {@link InputError}. */
export const draftContract = async (
  job: JobDescription,
  file: string,
  provider: PublicIdentity,
): Promise<Draft> => {
  const members = await Promise.all(job.members.map(readPublicIdentity));
  const { initialModel, ...known } = await draftedTask(job, file);
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
  expectKnownTask(contract);
  expectKnownMetrics(contract);
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

/** What every attempt of every round takes. */
const neededBytes = (contract: Contract): number => {
  const { byteLength } = ringLayout({
    laneBits: contract.ring.bits,
    payloadLanes: payloadLaneCount(quantisationOf(contract)),
    segmentPayloadLanes: contract.ring.segmentLanes,
  });
  return byteLength * contract.training.rounds * contract.egress.attemptsPerRound;
};
