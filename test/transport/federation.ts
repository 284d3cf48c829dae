/** Keys, contract and options of a small federation, as the tests of the link need them. */
import { randomBytes, randomSecret, signingKeys, type SigningKeys } from "@bulkhead/crypto";
import {
  acceptSessions,
  certifyGateway,
  dialSession,
  REKEY_BYTES,
  type AcceptLinkOptions,
  type AcceptSessionsOptions,
  type DialSessionOptions,
  type GatewayCertificate,
  type Link,
  type OpenLinkOptions,
  type SessionAcceptor,
} from "@bulkhead/transport";

export const provider = signingKeys(randomSecret(32));
const contractDigest = randomBytes(32);

interface Member {
  readonly memberId: number;
  readonly identity: SigningKeys;
  readonly gateway: SigningKeys;
}

export const newMember = (memberId: number): Member => ({
  memberId,
  identity: signingKeys(randomSecret(32)),
  gateway: signingKeys(randomSecret(32)),
});

export const member = newMember(1);
export const secondMember = newMember(2);
const members: readonly Member[] = [member, secondMember, newMember(3)];

export const HOUR = 60 * 60 * 1000;

export const certificateOf = (
  of: Member,
  { now = Date.now(), lifetimeMs = HOUR, digest = contractDigest } = {},
): GatewayCertificate =>
  certifyGateway(of.identity.secretKey, {
    contractDigest: digest,
    memberId: of.memberId,
    gatewayKey: of.gateway.publicKey,
    notBefore: now,
    notAfter: now + lifetimeMs,
  });

export const openOptions = (of: Member = member): OpenLinkOptions => ({
  providerKey: provider.publicKey,
  contractDigest,
  gateway: of.gateway,
  certificate: certificateOf(of),
  resume: undefined,
  handshakeMs: 2000,
  rekeyBytes: REKEY_BYTES,
  now: Date.now,
  random: randomBytes,
});

const memberKey = (memberId: number): Uint8Array | undefined =>
  members.find((known) => known.memberId === memberId)?.identity.publicKey;

export const acceptOptions = (opened: (link: Link) => void = () => undefined): AcceptLinkOptions => ({
  providerKeys: provider,
  contractDigest,
  memberKey,
  admit: () => ({
    type: "admit",
    place: { sessionId: new Uint8Array(16), lastReceived: 0 },
    opened,
  }),
  handshakeMs: 2000,
  rekeyBytes: REKEY_BYTES,
  now: Date.now,
  random: randomBytes,
});

export const acceptorOf = (options: Partial<AcceptSessionsOptions>): SessionAcceptor =>
  acceptSessions({
    providerKeys: provider,
    contractDigest,
    memberKey,
    resumeMs: 2000,
    onSession: () => undefined,
    ...options,
  });

export const dialAs = (of: Member, dial: () => Promise<Link>, options: Partial<DialSessionOptions> = {}) =>
  dialSession({
    dial,
    providerKey: provider.publicKey,
    contractDigest,
    gateway: of.gateway,
    certificate: () => certificateOf(of),
    resumeMs: 2000,
    backoff: { firstMs: 1, mostMs: 5, jitter: 0.5 },
    ...options,
  });
