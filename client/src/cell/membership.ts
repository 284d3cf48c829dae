/** Who this is under which contract, and that it may take part at all: checked before a row is read. */
import { equalBytes, InputError } from "@bulkhead/base";
import type { Identity } from "@bulkhead/crypto";
import { expectAllSigned, expectKnownMetrics, expectKnownTask } from "@bulkhead/party";
import { type Job, jobOf, type SignedContract } from "@bulkhead/protocol";
import type { MemberId } from "@bulkhead/secagg";
import { type PolicyRefusal, policyRefusals } from "../policy.ts";
import type { CellSettings } from "../settings.ts";

export interface Membership {
  readonly settings: CellSettings;
  readonly job: Job;
  readonly member: MemberId;
  readonly identity: Identity;
  readonly verified: ReadonlySet<MemberId>;
}

/**
 * Every party has signed, this identity is the member that the settings name, and both this program and the site's
 * policy can do as the contract says. Throws an {@link InputError}.
 */
export const openMembership = async (
  settings: CellSettings,
  signed: SignedContract,
  openIdentity: (file: string) => Promise<Identity>,
): Promise<Membership> => {
  const identity = await openIdentity(settings.identity);
  const { contract } = signed;
  const place = `contract ${contract.job}`;
  expectAllSigned(signed, place);
  const job = jobOf(contract);
  const own = job.memberById.get(settings.member);
  if (own === undefined || !equalBytes(own.publicKey, identity.signing.publicKey)) throw notAMember(place);
  expectKnownTask(contract);
  expectKnownMetrics(contract);
  const { policy, verifiedMembers, isProviderVerified } = settings;
  expectAllowed(policyRefusals(policy, job, { verifiedMembers, isProviderVerified }));
  return { settings, job, member: own.id, identity, verified: new Set(verifiedMembers) };
};

const expectAllowed = (refusals: readonly PolicyRefusal[]): void => {
  const [first] = refusals;
  if (first === undefined) return;
  throw new InputError({
    code: first.code,
    place: `policy ${refusals.map(({ clause }) => clause).join(", ")}`,
    problem: refusals.map(({ problem }) => problem).join("; "),
    cure: "take no part, or change the site's policy if this is what you want",
  });
};

const notAMember = (place: string): InputError =>
  new InputError({
    code: "contract-other-identity",
    place,
    problem: "the member that this site would be has another key than this identity",
    cure: "use the identity that signed this contract",
  });
