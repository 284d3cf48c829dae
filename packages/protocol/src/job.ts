/** What both machines take from the contract, worked out once: constants of the job, chosen by nobody later. */
import { hashFields } from "@bulkhead/crypto";
import {
  byMember,
  MAX_MEMBERS,
  memberId,
  type MemberId,
  payloadLaneCount,
  type QuantisePlan,
  type RingLayout,
  ringLayout,
} from "@bulkhead/secagg";
import { type Contract, contractDigest, fieldBytes } from "./contract.ts";
import { quantisationOf } from "./quantisation.ts";

export interface Member {
  readonly id: MemberId;
  readonly name: string;
  readonly publicKey: Uint8Array;
}

export interface Job {
  readonly contract: Contract;
  readonly contractHash: Uint8Array;
  readonly rosterHash: Uint8Array;
  readonly providerKey: Uint8Array;
  readonly members: readonly Member[];
  readonly memberById: ReadonlyMap<MemberId, Member>;
  /** t: shares that rebuild a secret, and signatures that make a quorum. */
  readonly threshold: number;
  /** max(t, n_min): members that every stage needs. */
  readonly least: number;
  readonly quantisation: QuantisePlan;
  readonly layout: RingLayout;
}

export const jobOf = (contract: Contract): Job => {
  const members = contract.members.map(({ name, publicKey }, i) => ({
    id: memberId(i + 1),
    name,
    publicKey: fieldBytes(publicKey),
  }));
  const quantisation = quantisationOf(contract);
  return {
    contract,
    contractHash: contractDigest(contract),
    rosterHash: hashFields(
      "bulkhead/1 roster",
      ...members.flatMap(({ id, name, publicKey }) => [Uint8Array.of(id), name, publicKey]),
    ),
    providerKey: fieldBytes(contract.provider.publicKey),
    members,
    memberById: new Map(members.map((member) => [member.id, member])),
    threshold: contract.cohort.threshold,
    least: Math.max(contract.cohort.threshold, contract.cohort.minimum),
    quantisation,
    layout: ringLayout({
      laneBits: contract.ring.bits,
      payloadLanes: payloadLaneCount(quantisation),
      segmentPayloadLanes: contract.ring.segmentLanes,
    }),
  };
};

/** A set of members as bytes: sorted, distinct, one byte each. */
export const membersToBytes = (ids: Iterable<MemberId>): Uint8Array =>
  Uint8Array.from([...new Set(ids)].sort(byMember));

/** Reads a set of members; `undefined` unless sorted, distinct and on the roster. */
export const membersOfBytes = (job: Job, bytes: Uint8Array): readonly MemberId[] | undefined => {
  if (bytes.length > MAX_MEMBERS) return undefined;
  const ids: MemberId[] = [];
  for (const [i, byte] of bytes.entries()) {
    if (i > 0 && byte <= bytes[i - 1]!) return undefined;
    const member = byte === 0 ? undefined : job.memberById.get(memberId(byte));
    if (member === undefined) return undefined;
    ids.push(member.id);
  }
  return ids;
};

/** Digest of the model of a round: base and adapter together, so that a round never hashes the base again. */
export const modelHash = (job: Job, canonicalModel: Uint8Array): Uint8Array =>
  hashFields("bulkhead/1 model", fieldBytes(job.contract.base.digest), canonicalModel);
