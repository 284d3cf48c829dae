/** The coordinator's half of the handshake of protocol.md, 2.5a. It decodes nothing but what it must until a member has proven itself. */
import { agree, agreementKeys, type SigningKeys } from "@bulkhead/crypto";
import { equalBytes, Secret } from "@bulkhead/base";
import { CLOCK_TOLERANCE_MS, verifyGatewayCertificate } from "./gateway-certificate.ts";
import { handshakeKeys, handshakeTranscript, isProofOf, makeAnswer, trafficKeys } from "./handshake-keys.ts";
import {
  decodeHello,
  decodeProof,
  encodeAnswer,
  encodePlainRefusal,
  encodeVerdict,
  LINK_VERSION,
  NONCE_LENGTH,
  type Greeting,
  type Proof,
  type SessionPlace,
  type Verdict,
} from "./handshake-messages.ts";
import type { Link } from "./link.ts";
import type { LinkFailure } from "./link-failure.ts";
import { RecordCipher } from "./record-cipher.ts";
import type { Refusal } from "./refusal.ts";
import { SecureLink } from "./secure-link.ts";
import { HandshakeStopped, TurnTaking } from "./turn-taking.ts";

/** A member that has proven itself, and what it asks for. */
export interface ProvenMember {
  readonly memberId: number;
  readonly gatewayKey: Uint8Array;
  readonly resume: SessionPlace | undefined;
}

export type Admission =
  /** `place` goes to the client; `opened` is called in the same turn, with the link. */
  | { readonly type: "admit"; readonly place: SessionPlace; readonly opened: (link: Link) => void }
  | { readonly type: "refuse"; readonly refusal: Refusal };

export interface AcceptLinkOptions {
  readonly providerKeys: SigningKeys;
  readonly contractDigest: Uint8Array;
  /** The identity key of a member of the contract. */
  readonly memberKey: (memberId: number) => Uint8Array | undefined;
  readonly admit: (member: ProvenMember) => Admission;
  readonly handshakeMs: number;
  readonly rekeyBytes: number;
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** Takes `below` over: on failure it is closed. Gives the failure, or `undefined` once the link is open. */
export const acceptSecureLink = async (
  below: Link,
  options: AcceptLinkOptions,
): Promise<LinkFailure | undefined> => {
  const turns = new TurnTaking(below, options.handshakeMs);
  try {
    await exchange(below, turns, options);
    return undefined;
  } catch (error) {
    below.close("handshake failed");
    if (error instanceof HandshakeStopped) return error.failure;
    throw error;
  } finally {
    turns.stop();
  }
};

const exchange = async (below: Link, turns: TurnTaking, options: AcceptLinkOptions): Promise<void> => {
  const helloMessage = await turns.next();
  const greeting = readHello(below, helloMessage);
  const ephemeral = agreementKeys(new Secret(options.random(32)));
  const shared = agree(ephemeral.secretKey, greeting.ephemeralKey);
  ephemeral.secretKey.wipe();
  if (shared === undefined) return refusePlainly(below, { type: "weak-key" });
  const answer = makeAnswer(
    helloMessage,
    ephemeral.publicKey,
    options.random(NONCE_LENGTH),
    options.providerKeys,
  );
  void below.send(encodeAnswer(answer));
  const transcript = handshakeTranscript(helloMessage, answer, options.providerKeys.publicKey);
  try {
    await judge({ below, turns, options, greeting, shared, transcript });
  } finally {
    shared.wipe();
  }
};

interface Hearing {
  readonly below: Link;
  readonly turns: TurnTaking;
  readonly options: AcceptLinkOptions;
  readonly greeting: Greeting;
  readonly shared: Secret;
  readonly transcript: Uint8Array;
}

const judge = async (hearing: Hearing): Promise<void> => {
  const { below, turns, options, shared, transcript } = hearing;
  const keys = handshakeKeys(shared, transcript);
  const proofCipher = new RecordCipher(keys.toCoordinator, options.rekeyBytes);
  const verdictCipher = new RecordCipher(keys.toClient, options.rekeyBytes);
  const judgement = judgementOf(hearing, proofCipher.open(await turns.next()));
  const verdictMessage = encodeVerdict(judgementToVerdict(judgement));
  void below.send(verdictCipher.seal(verdictMessage));
  proofCipher.wipe();
  verdictCipher.wipe();
  if (judgement.type === "refuse")
    throw new HandshakeStopped({ type: "refused-by-us", refusal: judgement.refusal });
  below.admit();
  const traffic = trafficKeys(shared, transcript, judgement.given, verdictMessage);
  const ciphers = {
    sealing: new RecordCipher(traffic.toClient, options.rekeyBytes),
    opening: new RecordCipher(traffic.toCoordinator, options.rekeyBytes),
  };
  judgement.opened(new SecureLink(below, turns, ciphers));
};

type Admit = Extract<Admission, { readonly type: "admit" }>;
type Judgement = Exclude<Admission, Admit> | (Admit & { readonly given: Proof });

const judgementToVerdict = (judgement: Judgement): Verdict =>
  judgement.type === "admit"
    ? { type: "accepted", ...judgement.place }
    : { type: "refused", refusal: judgement.refusal };

const judgementOf = (hearing: Hearing, opened: Uint8Array | undefined): Judgement => {
  if (opened === undefined) return { type: "refuse", refusal: { type: "not-authentic" } };
  const given = decodeProof(opened);
  if (given === undefined) return { type: "refuse", refusal: { type: "not-understood" } };
  const refusal = refusalOf(hearing, given);
  if (refusal !== undefined) return { type: "refuse", refusal };
  const { certificate, resume } = given.claim;
  const { memberId, gatewayKey } = certificate;
  const admission = hearing.options.admit({ memberId, gatewayKey, resume });
  return admission.type === "admit" ? { ...admission, given } : admission;
};

const refusalOf = ({ options, greeting, transcript }: Hearing, given: Proof): Refusal | undefined => {
  const { contractDigest, memberKey } = options;
  const { certificate, clock } = given.claim;
  const now = options.now();
  const identityKey = memberKey(certificate.memberId);
  if (!isProofOf(transcript, given)) return { type: "not-authentic" };
  if (!equalBytes(greeting.contractDigest, contractDigest)) return { type: "wrong-contract" };
  if (identityKey === undefined) return { type: "unknown-member" };
  if (Math.abs(clock - now) > CLOCK_TOLERANCE_MS) return { type: "clock-far-off", byMs: clock - now };
  return verifyGatewayCertificate(certificate, { contractDigest, identityKey, now });
};

const readHello = (below: Link, message: Uint8Array): Greeting => {
  const greeting = decodeHello(message);
  if (greeting?.type === "hello") return greeting;
  return refusePlainly(
    below,
    greeting === undefined ? { type: "not-understood" } : { type: "other-version", version: LINK_VERSION },
  );
};

/** Without a shared key a refusal cannot be sealed: the client takes it as a hint. */
const refusePlainly = (below: Link, refusal: Refusal): never => {
  void below.send(encodePlainRefusal(refusal));
  throw new HandshakeStopped({ type: "refused-by-us", refusal });
};
