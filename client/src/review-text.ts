/** A contract as it looks from one site, in plain words: what would leave, what not, and who learns what. */
import { humanBytes } from "@bulkhead/console";
import { type Contract, type Job, jobOf, type Member } from "@bulkhead/protocol";
import { toleratedColluders } from "@bulkhead/secagg";
import type { PublicIdentity } from "@bulkhead/store";
import type { PolicyFacts, SitePolicy } from "./policy.ts";

export interface ReviewedSite {
  readonly own: PublicIdentity;
  /** The site's place on the roster; where it has none, why. */
  readonly member: Member | Refusal;
  readonly policy: SitePolicy;
  readonly facts: PolicyFacts;
  /** Of the base model that this site has. */
  readonly baseDigest?: string | undefined;
  readonly hasTrainer: boolean;
}

export interface Refusal {
  readonly code: string;
  readonly problem: string;
}

export const siteLines = (contract: Contract, site: ReviewedSite): readonly string[] => {
  const job = jobOf(contract);
  return [
    whoLine(job, site),
    "",
    ...wouldLeave(job),
    "",
    ...wouldNotLeave(),
    "",
    ...othersLearn(job),
    "",
    ...ifSomeAreMissing(job),
  ];
};

const whoLine = ({ members, contract }: Job, { own, member, facts }: ReviewedSite): string => {
  const place = "code" in member ? "no member" : `member ${member.id} of ${members.length}`;
  const names = members.filter(({ id }) => facts.verifiedMembers.includes(id)).map(({ name }) => name);
  const provider = `${contract.provider.name}, is ${facts.isProviderVerified ? "" : "not "}verified`;
  return `This site: ${own.name}, ${place}. The provider, ${provider}; verified members, itself included: ${names.join(", ") || "none"}.`;
};

const wouldLeave = (job: Job): readonly string[] => {
  const { attempt, besides, usual, most } = leavingBytes(job);
  const { training, egress, metrics } = job.contract;
  const named = metrics.map(({ name, most: bound }) => `${name} (at most ${bound})`).join(", ");
  return [
    "What would leave this site",
    `  In a round: a masked update of ${humanBytes(attempt)}, again with fresh masks in each of up to ${egress.attemptsPerRound} attempts, and about ${humanBytes(besides)} of keys, sealed shares and signatures.`,
    `  In all ${training.rounds} rounds: ${humanBytes(usual)} if all succeed at once, ${humanBytes(most)} at the most.`,
    `  Under the same masks, readable only in the sum: the site's weight, whether its update was clipped, how many values were clamped${named === "" ? "" : `, ${named}`}.`,
  ];
};

const wouldNotLeave = (): readonly string[] => [
  "What would not leave it",
  "  Rows, texts, labels, gradients, this site's own update or figures, its evaluation, its identity and passphrase.",
];

const othersLearn = (job: Job): readonly string[] => {
  const colluders = toleratedColluders(job.members.length);
  return [
    "What the provider and the other members learn",
    `  In each round one sum of at least ${job.least} members' updates and figures, and from it the next model; at least ${job.least - colluders} of them are honest if up to ${colluders} members side with the provider. Nothing of this site alone.`,
    "  The provider also sees which members took part, when, and how many bytes they sent.",
    "  A sum can still tell something of what is in it, over rounds more than in one: there is no differential privacy.",
  ];
};

const ifSomeAreMissing = ({ members, least }: Job): readonly string[] => {
  const spare = members.length - least;
  return [
    "If members are missing",
    spare === 0
      ? "  A round without any one of them ends void, and nothing of it is revealed."
      : `  A round ends without up to ${spare} of them; without more it ends void, and nothing of it is revealed.`,
  ];
};

const PER_PEER = 900;

/** In bytes. */
export const leavingBytes = (job: Job) => {
  const { training, egress } = job.contract;
  const attempt = job.layout.byteLength;
  return {
    attempt,
    besides: PER_PEER * (job.members.length - 1),
    usual: Math.min(egress.bytes, attempt * training.rounds),
    most: Math.min(egress.bytes, attempt * training.rounds * egress.attemptsPerRound),
  };
};
