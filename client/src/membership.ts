/** Which member of a contract a site is. */
import { equalBytes, InputError } from "@bulkhead/base";
import type { Job, Member } from "@bulkhead/protocol";
import type { PublicIdentity } from "@bulkhead/store";

/** Throws an {@link InputError} `contract-not-a-member` or `contract-other-key` unless name and key are on the roster. */
export const ownMember = (job: Job, own: PublicIdentity, place: string): Member => {
  const byKey = job.members.find(({ publicKey }) => equalBytes(publicKey, own.publicKey));
  const byName = job.members.find(({ name }) => name === own.name);
  if (byKey !== undefined && byKey === byName) return byKey;
  if (byKey !== undefined)
    throw refused(
      "contract-other-key",
      place,
      `it knows the key of ${own.name} under the name ${byKey.name}`,
    );
  if (byName !== undefined)
    throw refused("contract-other-key", place, `it names another key for ${own.name} than this identity's`);
  throw refused("contract-not-a-member", place, `${own.name} is no member of it`);
};

const refused = (code: string, place: string, problem: string): InputError =>
  new InputError({
    code,
    place,
    problem,
    cure: "give the provider the file that `identity export` writes, and get a contract drafted with it",
  });
