/** `contract review` and `contract sign`: a site reads what it would agree to, and signs nothing that it refuses. */
import { bytesToHex, InputError } from "@bulkhead/base";
import { EXIT, type ExitCode, type PassphraseSource, printable } from "@bulkhead/console";
import { baseDigest, languageModelDigest, modelPlace } from "@bulkhead/finetune";
import {
  describeContract,
  expectKnownMetrics,
  expectKnownTask,
  readAnyContractFile,
  signContractFile,
  tellResult,
} from "@bulkhead/party";
import { type Contract, type Job, jobOf, type SignedContract } from "@bulkhead/protocol";
import { readIdentityHeader, type PublicIdentity } from "@bulkhead/store";
import { loadSiteConfig, type SiteConfig } from "../config.ts";
import { ownMember } from "../membership.ts";
import { reviewNotes, reviewRecord, reviewRefusals } from "../review.ts";
import { type Refusal, type ReviewedSite, siteLines } from "../review-text.ts";
import { policyFacts, readVerifiedPeers } from "../verified-peers.ts";

interface ReviewOptions {
  readonly contract: string;
  readonly config: string;
  readonly json?: true;
}

/** All is said first; a refusal then ends the command with its code. */
export const review = async (options: ReviewOptions): Promise<ExitCode> => {
  const { signed, site } = await reviewed(options);
  const refusals = reviewRefusals(signed, site);
  tellResult(options.json, reviewRecord(signed, site), [
    describeContract(signed),
    "",
    ...siteLines(signed.contract, site),
    "",
    ...verdictLines(signed.contract, site, refusals),
  ]);
  expectAcceptable(refusals, options.contract);
  return EXIT.done;
};

interface SignOptions extends ReviewOptions {
  readonly out: string;
  readonly passphrase: PassphraseSource;
}

export const sign = async (options: SignOptions): Promise<ExitCode> => {
  const { signed, site, config } = await reviewed(options);
  expectAcceptable(reviewRefusals(signed, site), options.contract);
  return signContractFile({
    ...options,
    contract: signed.contract,
    place: options.contract,
    identity: config.identity,
  });
};

interface Reviewed {
  readonly signed: SignedContract;
  readonly site: ReviewedSite;
  readonly config: SiteConfig;
}

const reviewed = async ({ contract: file, config: configFile }: ReviewOptions): Promise<Reviewed> => {
  const { config } = await loadSiteConfig(configFile);
  const signed = await readAnyContractFile(file);
  expectKnownTask(signed.contract);
  expectKnownMetrics(signed.contract);
  const own = await readIdentityHeader(config.identity);
  const job = jobOf(signed.contract);
  const site: ReviewedSite = {
    own,
    member: memberOrRefusal(job, own, file),
    policy: config.policy,
    facts: policyFacts(job, await readVerifiedPeers(config.state), own),
    baseDigest: await modelDigest(signed.contract, config),
    hasTrainer: config.trainer !== undefined,
  };
  return { signed, site, config };
};

const memberOrRefusal = (job: Job, own: PublicIdentity, place: string): ReviewedSite["member"] => {
  try {
    return ownMember(job, own, place);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { code: error.code, problem: error.problem };
  }
};

const modelDigest = async ({ task }: Contract, { model }: SiteConfig): Promise<string | undefined> => {
  if (task["kind"] === "classifier" && model?.folder !== undefined)
    return bytesToHex(await baseDigest(model.folder));
  const place = model && modelPlace(model);
  return task["kind"] === "language-model" && place !== undefined
    ? bytesToHex(await languageModelDigest(place))
    : undefined;
};

const verdictLines = (
  contract: Contract,
  site: ReviewedSite,
  refusals: readonly Refusal[],
): readonly string[] => [
  ...reviewNotes(contract, site),
  ...(refusals.length === 0
    ? ["Nothing here refuses it: it may be signed."]
    : ["It may not be signed:", ...refusals.map(({ code, problem }) => `  ${code}  ${printable(problem)}`)]),
];

const expectAcceptable = (refusals: readonly Refusal[], place: string): void => {
  const [first, ...rest] = refusals;
  if (first === undefined) return;
  const more = rest.length === 0 ? "" : `; and ${rest.map(({ code }) => code).join(", ")}`;
  throw new InputError({
    code: first.code,
    place,
    problem: `${first.problem}${more}`,
    cure: first.code.startsWith("policy-")
      ? "agree on another contract with the provider, or change this site's policy"
      : "do not sign it; ask the provider",
  });
};
