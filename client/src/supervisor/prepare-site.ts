/** What has to be right before anything is started: contract, signatures, membership. */
import { bytesToHex } from "@bulkhead/base";
import { expectAllSigned, readSignedContractFile } from "@bulkhead/party";
import { type Job, jobOf, type Member, type SignedContract } from "@bulkhead/protocol";
import { readIdentityHeader } from "@bulkhead/store";
import type { SiteConfig } from "../config.ts";
import { ownMember } from "../membership.ts";
import { type PolicyFacts } from "../policy.ts";
import { policyFacts, readVerifiedPeers } from "../verified-peers.ts";

export interface PreparedSite {
  readonly config: SiteConfig;
  readonly signed: SignedContract;
  readonly job: Job;
  /** The contract's digest in hexadecimal. */
  readonly contract: string;
  readonly member: Member;
  readonly facts: PolicyFacts;
}

/** Throws an {@link InputError} that names what is wrong; the identity is only looked at, not opened. */
export const prepareSite = async (config: SiteConfig, contractFile: string): Promise<PreparedSite> => {
  const signed = await readSignedContractFile(contractFile);
  expectAllSigned(signed, contractFile);
  const job = jobOf(signed.contract);
  const own = await readIdentityHeader(config.identity);
  const member = ownMember(job, own, contractFile);
  const facts = policyFacts(job, await readVerifiedPeers(config.state), own);
  return { config, signed, job, contract: bytesToHex(job.contractHash), member, facts };
};
