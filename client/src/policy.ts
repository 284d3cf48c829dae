/**
 * What a site allows, whatever contract it has signed: it can only narrow a contract. The cell decides; the gateway
 * checks what it can see a second time.
 */
import { boolean, finite, integer, listOf, optional, record, text, type TypeOf } from "@bulkhead/base";
import type { Job } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";

const count = integer(0, Number.MAX_SAFE_INTEGER);
const patterns = listOf(text(200), 1000);

/** What is absent is as the contract says. */
export const policyShape = record({
  /** Names of providers; `*` stands for any run of characters, here and below. */
  providers: optional(patterns),
  jobs: optional(patterns),
  /** Names of tensors that may be trained. */
  tensors: optional(patterns),
  /** Names of metrics that may leave inside the sum. */
  metrics: optional(patterns),
  /** Members that a sum must have, at the least. */
  minimumCohort: optional(integer(3, 255)),
  /** Members whose safety numbers a person has compared, this site's own included; `requireVerifiedProvider` likewise. */
  minimumVerified: optional(integer(0, 255)),
  requireVerifiedProvider: optional(boolean),
  mostRounds: optional(count),
  mostAttemptsPerRound: optional(count),
  /** Of masked input, in all rounds together. */
  mostBytes: optional(count),
  mostLocalSteps: optional(count),
  largestClipNorm: optional(finite(0)),
  /** Whether small differences between the cohorts of different rounds are refused too [protocol.md 2.7]. */
  strictCohorts: optional(boolean),
});
export type SitePolicy = TypeOf<typeof policyShape>;

export interface PolicyFacts {
  readonly verifiedMembers: readonly MemberId[];
  readonly isProviderVerified: boolean;
}

/** One clause that this policy refuses, by a stable code that begins with `policy-`. */
export interface PolicyRefusal {
  readonly code: string;
  /** The policy's key. */
  readonly clause: keyof SitePolicy;
  readonly problem: string;
}

/** Every clause of the contract that the policy does not allow; none where the contract may be signed and run. */
export const policyRefusals = (
  _policy: SitePolicy,
  _job: Job,
  _facts: PolicyFacts,
): readonly PolicyRefusal[] => {
  throw new Error("written by the policy's engineer");
};
