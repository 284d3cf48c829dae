/** The part of `site.yaml` that narrows contracts; the same keys as `policyShape`, with their meaning. */
import { z } from "@bulkhead/console";
import type { SitePolicy } from "./policy.ts";

const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const patterns = z.array(z.string().min(1).max(200)).max(1000);
const share = z.number().int().min(0).max(255);

export const policySchema = z.strictObject({
  providers: patterns
    .optional()
    .describe("Providers, by the name in the contract; * stands for any characters, here and below."),
  jobs: patterns.optional().describe("Names of jobs."),
  tensors: patterns.optional().describe("Names of tensors that may be trained, and so leave inside a sum."),
  metrics: patterns.optional().describe("Names of metrics that may leave inside a sum; [] for none."),
  minimumCohort: z
    .number()
    .int()
    .min(3)
    .max(255)
    .optional()
    .describe("Members that every revealed sum has at the least."),
  minimumVerified: share
    .optional()
    .describe("Members whose safety numbers a person has compared (peers verify), this site's own included."),
  requireVerifiedProvider: z
    .boolean()
    .optional()
    .describe("Whether the provider's safety number must have been compared too."),
  mostRounds: count.optional().describe("Rounds of a contract."),
  mostAttemptsPerRound: count.optional().describe("How often a round may be tried."),
  mostBytes: count.optional().describe("Bytes of masked input in all rounds together."),
  mostLocalSteps: count.optional().describe("Training steps in a round."),
  largestClipNorm: z.number().min(0).optional().describe("The longest update (L2) that may leave."),
  strictCohorts: z
    .boolean()
    .optional()
    .describe(
      "Whether a round is refused whose survivors differ from an earlier round's by a few members, since the difference of two sums tells about those few.",
    ),
} satisfies Record<keyof SitePolicy, z.ZodType>);
