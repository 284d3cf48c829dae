/** What signing a contract would mean for this site: what may leave, who learns what, and why it may not be signed. */
import { bytesToHex, type Json } from "@bulkhead/base";
import { FINDING_WORDS, signatureFindings } from "@bulkhead/party";
import { type Contract, jobOf, type SignedContract } from "@bulkhead/protocol";
import { toleratedColluders } from "@bulkhead/secagg";
import { leavingBytes, type Refusal, type ReviewedSite } from "./review-text.ts";
import { policyRefusals } from "./policy.ts";

/** Why this site may not sign; none where it may. */
export const reviewRefusals = (signed: SignedContract, site: ReviewedSite): readonly Refusal[] => {
  const { contract } = signed;
  return [
    ...("code" in site.member ? [site.member] : []),
    ...alteredRefusals(signed),
    ...modelRefusals(contract, site),
    ...policyRefusals(site.policy, jobOf(contract), site.facts).map(({ code, problem }) => ({
      code,
      problem,
    })),
  ];
};

/** Of signatures that are there; who has not signed yet may still do so. */
const alteredRefusals = (signed: SignedContract): readonly Refusal[] =>
  signatureFindings(signed).flatMap(({ name, problem }) =>
    problem === undefined || problem === "missing"
      ? []
      : [
          {
            code: problem === "other-contract" ? "contract-altered" : "contract-unsigned",
            problem: `${name} ${FINDING_WORDS[problem]}`,
          },
        ],
  );

const modelRefusals = ({ base }: Contract, { baseDigest }: ReviewedSite): readonly Refusal[] =>
  baseDigest === undefined || baseDigest === base.digest
    ? []
    : [
        {
          code: "contract-other-model",
          problem: `it is about the base model ${base.name} with digest ${base.digest.slice(0, 16)}…, and this site's has ${baseDigest.slice(0, 16)}…`,
        },
      ];

/** What is still lacking here before the job can run; no reason not to sign. */
export const reviewNotes = ({ task }: Contract, site: ReviewedSite): readonly string[] => {
  if (task["kind"] === "classifier" || task["kind"] === "language-model")
    return site.baseDigest === undefined
      ? [
          `To run, site.yaml must name the base model (model.folder${task["kind"] === "classifier" ? "" : " or model.file"}): one with just this digest.`,
        ]
      : [];
  return site.hasTrainer
    ? ["The site's own trainer module will train: only what it computes from the rows can enter the update."]
    : ["To run, site.yaml must name a trainer (trainer.module) for this task."];
};

/** For machines: the same findings. */
export const reviewRecord = (
  signed: SignedContract,
  site: ReviewedSite,
): { readonly [field: string]: Json | undefined } => {
  const { contract } = signed;
  const job = jobOf(contract);
  const refusals = reviewRefusals(signed, site);
  return {
    contract: bytesToHex(job.contractHash),
    job: contract.job,
    site: site.own.name,
    member: "code" in site.member ? null : site.member.id,
    leaves: { ...leavingBytes(job), metrics: contract.metrics.map(({ name }) => name) },
    cohort: {
      members: job.members.length,
      least: job.least,
      colluders: toleratedColluders(job.members.length),
    },
    verified: { provider: site.facts.isProviderVerified, members: site.facts.verifiedMembers },
    maySign: refusals.length === 0,
    refusals: refusals.map(({ code, problem }) => ({ code, problem })),
    notes: reviewNotes(contract, site),
  };
};
