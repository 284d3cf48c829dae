/**
 * What a site allows, whatever contract it has signed: it can only narrow a contract. The cell decides; the gateway
 * checks what it can see a second time.
 */
import { boolean, finite, integer, listOf, optional, record, text, type TypeOf } from "@bulkhead/base";
import type { Job } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { namesOf, refusedNames } from "./policy-names.ts";

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
export const policyRefusals = (policy: SitePolicy, job: Job, facts: PolicyFacts): readonly PolicyRefusal[] =>
  POLICY_CLAUSES.flatMap(({ code, clause, refusal }) => {
    const problem = refusal?.(policy, job, facts);
    return problem === undefined ? [] : [{ code, clause, problem }];
  });

interface Clause {
  readonly code: string;
  readonly clause: keyof SitePolicy;
  /** A sentence with both values; absent where only a running round can show it. */
  readonly refusal?: (policy: SitePolicy, job: Job, facts: PolicyFacts) => string | undefined;
}

/** In the order in which a person would look at them. docs/policy.md lists them; a test keeps it equal. */
export const POLICY_CLAUSES: readonly Clause[] = [
  {
    code: "policy-provider",
    clause: "providers",
    refusal: ({ providers }, { contract: { provider } }) =>
      refusedNames("provider", [provider.name], providers),
  },
  {
    code: "policy-verified-provider",
    clause: "requireVerifiedProvider",
    refusal: ({ requireVerifiedProvider }, { contract: { provider } }, { isProviderVerified }) =>
      requireVerifiedProvider === true && !isProviderVerified
        ? `the provider ${provider.name} is not verified, and this site requires that its safety number was compared`
        : undefined,
  },
  {
    code: "policy-job",
    clause: "jobs",
    refusal: ({ jobs }, { contract }) => refusedNames("job", [contract.job], jobs),
  },
  {
    code: "policy-tensor",
    clause: "tensors",
    refusal: ({ tensors }, { contract }) => refusedNames("tensor", namesOf(contract.tensors), tensors),
  },
  {
    code: "policy-metric",
    clause: "metrics",
    refusal: ({ metrics }, { contract }) => refusedNames("metric", namesOf(contract.metrics), metrics),
  },
  {
    code: "policy-cohort",
    clause: "minimumCohort",
    refusal: ({ minimumCohort }, { least }) =>
      below("a sum may have as few members as", least, minimumCohort),
  },
  {
    code: "policy-verified-members",
    clause: "minimumVerified",
    refusal: ({ minimumVerified }, _, { verifiedMembers }) =>
      below(
        "members whose safety numbers were compared, this site among them:",
        verifiedMembers.length,
        minimumVerified,
      ),
  },
  {
    code: "policy-rounds",
    clause: "mostRounds",
    refusal: ({ mostRounds }, { contract: { training } }) =>
      above("rounds of the contract:", training.rounds, mostRounds),
  },
  {
    code: "policy-attempts",
    clause: "mostAttemptsPerRound",
    refusal: ({ mostAttemptsPerRound }, { contract: { egress } }) =>
      above("attempts that a round may take:", egress.attemptsPerRound, mostAttemptsPerRound),
  },
  {
    code: "policy-bytes",
    clause: "mostBytes",
    refusal: ({ mostBytes }, { contract: { egress } }) =>
      above("bytes of masked input that may leave in all:", egress.bytes, mostBytes),
  },
  {
    code: "policy-local-steps",
    clause: "mostLocalSteps",
    refusal: ({ mostLocalSteps }, { contract: { training } }) =>
      above("local steps in a round:", training.localSteps, mostLocalSteps),
  },
  {
    code: "policy-clip-norm",
    clause: "largestClipNorm",
    refusal: ({ largestClipNorm }, { contract: { update } }) =>
      above("the longest update that may leave is", update.clipNorm, largestClipNorm),
  },
  { code: "policy-strict-cohorts", clause: "strictCohorts" },
];

const above = (what: string, value: number, most: number | undefined): string | undefined =>
  most === undefined || value <= most ? undefined : `${what} ${value}; this site allows at most ${most}`;

const below = (what: string, value: number, least: number | undefined): string | undefined =>
  least === undefined || value >= least ? undefined : `${what} ${value}; this site wants at least ${least}`;
