/** `peers.json`: whose safety numbers a person at this site has compared. A mark is bound to the name and the key. */
import path from "node:path";
import {
  bytesToHex,
  canonicalJson,
  listOf,
  oneOf,
  parseCanonicalJson,
  record,
  text,
  textMatching,
  type TypeOf,
} from "@bulkhead/base";
import type { Job } from "@bulkhead/protocol";
import { readOwnFile } from "@bulkhead/party";
import { makeFolder, type PublicIdentity, writeFileAtomic } from "@bulkhead/store";
import type { PolicyFacts } from "./policy.ts";

const LONGEST_FILE = 4 << 20;

const peerShape = record({
  name: text(200),
  publicKey: textMatching(/^[0-9a-f]{64}$/u, "32 bytes in lower-case hexadecimal"),
  /** When the numbers were compared, ISO 8601. */
  verifiedAt: text(40),
});
const peersShape = record({ format: oneOf("bulkhead-peers/1"), verified: listOf(peerShape, 10_000) });

export type VerifiedPeer = TypeOf<typeof peerShape>;

const peersFile = (state: string): string => path.join(state, "peers.json");

/** None where nobody was verified yet. Throws an {@link InputError} `peer-file` where the file was damaged. */
export const readVerifiedPeers = async (state: string): Promise<readonly VerifiedPeer[]> => {
  const peers = await readOwnFile(peersFile(state), {
    longest: LONGEST_FILE,
    parse: (bytes) => peersShape(parseCanonicalJson(bytes)),
    damaged: {
      code: "peer-file",
      problem: "it is no list of verified peers",
      cure: "remove the file and verify the peers again",
    },
  });
  return peers?.verified ?? [];
};

export const markVerified = async (state: string, peer: PublicIdentity, now: Date): Promise<void> => {
  const entry = { ...named(peer), verifiedAt: now.toISOString() };
  await writePeers(state, [...(await withoutPeer(state, peer)), entry]);
};

/** Whether there was a mark to take away. */
export const unmarkVerified = async (state: string, peer: PublicIdentity): Promise<boolean> => {
  const wasVerified = isVerified(await readVerifiedPeers(state), peer);
  if (wasVerified) await writePeers(state, await withoutPeer(state, peer));
  return wasVerified;
};

export const isVerified = (verified: readonly VerifiedPeer[], peer: PublicIdentity): boolean => {
  const { name, publicKey } = named(peer);
  return verified.some((entry) => entry.name === name && entry.publicKey === publicKey);
};

/** What the policy asks about a contract's parties; a site counts as verified to itself. */
export const policyFacts = (
  job: Job,
  verified: readonly VerifiedPeer[],
  own: Pick<PublicIdentity, "publicKey">,
): PolicyFacts => {
  const ownKey = bytesToHex(own.publicKey);
  const isKnown = (peer: PublicIdentity) =>
    bytesToHex(peer.publicKey) === ownKey || isVerified(verified, peer);
  return {
    verifiedMembers: job.members.filter(isKnown).map(({ id }) => id),
    isProviderVerified: isVerified(verified, {
      name: job.contract.provider.name,
      publicKey: job.providerKey,
    }),
  };
};

const named = ({ name, publicKey }: PublicIdentity) => ({ name, publicKey: bytesToHex(publicKey) });

const withoutPeer = async (state: string, peer: PublicIdentity): Promise<readonly VerifiedPeer[]> => {
  const { name, publicKey } = named(peer);
  const all = await readVerifiedPeers(state);
  return all.filter((entry) => entry.name !== name || entry.publicKey !== publicKey);
};

const writePeers = async (state: string, verified: readonly VerifiedPeer[]): Promise<void> => {
  await makeFolder(state);
  await writeFileAtomic(peersFile(state), canonicalJson({ format: "bulkhead-peers/1", verified }));
};
