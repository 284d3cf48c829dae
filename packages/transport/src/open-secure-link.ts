/** The client's half of the handshake of protocol.md, 2.5a: SIGMA with the initiator's identity under encryption. */
import {
  agree,
  agreementKeys,
  type AgreementKeys,
  type GatewayCertificate,
  type SigningKeys,
} from "@bulkhead/crypto";
import { encodeCanonical, Secret } from "@bulkhead/base";
import { handshakeKeys, handshakeTranscript, isAnswerOf, makeProof, trafficKeys } from "./handshake-keys.ts";
import {
  decodeReply,
  decodeVerdict,
  encodeHello,
  NONCE_LENGTH,
  proof,
  type Answer,
  type SessionPlace,
} from "./handshake-messages.ts";
import type { Link } from "./link.ts";
import type { LinkFailure } from "./link-failure.ts";
import { RecordCipher } from "./record-cipher.ts";
import { SecureLink } from "./secure-link.ts";
import { HandshakeStopped, TurnTaking } from "./turn-taking.ts";

export interface OpenLinkOptions {
  readonly providerKey: Uint8Array;
  readonly contractDigest: Uint8Array;
  readonly gateway: SigningKeys;
  readonly certificate: GatewayCertificate;
  /** Absent for a new session. */
  readonly resume: SessionPlace | undefined;
  readonly handshakeMs: number;
  readonly rekeyBytes: number;
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

export type Opening =
  | ({ readonly type: "open"; readonly link: Link } & SessionPlace)
  | { readonly type: "failed"; readonly failure: LinkFailure };

/** Takes `below` over: on failure it is closed. `lastReceived` of the outcome is what the coordinator has received. */
export const openSecureLink = async (below: Link, options: OpenLinkOptions): Promise<Opening> => {
  const turns = new TurnTaking(below, options.handshakeMs);
  const ephemeral = agreementKeys(new Secret(options.random(32)));
  try {
    return await exchange({ below, turns, ephemeral, options });
  } catch (error) {
    below.close("handshake failed");
    if (error instanceof HandshakeStopped) return { type: "failed", failure: error.failure };
    throw error;
  } finally {
    turns.stop();
    ephemeral.secretKey.wipe();
  }
};

interface Exchange {
  readonly below: Link;
  readonly turns: TurnTaking;
  readonly ephemeral: AgreementKeys;
  readonly options: OpenLinkOptions;
}

const exchange = async (the: Exchange): Promise<Opening> => {
  const { below, turns, ephemeral, options } = the;
  const { contractDigest, providerKey } = options;
  const hello = encodeHello({
    ephemeralKey: ephemeral.publicKey,
    nonce: options.random(NONCE_LENGTH),
    contractDigest,
  });
  void below.send(hello);
  const answer = readAnswer(await turns.next());
  if (!isAnswerOf(providerKey, hello, answer)) return stop({ type: "wrong-coordinator" });
  const shared = agree(ephemeral.secretKey, answer.ephemeralKey) ?? stop({ type: "weak-key" });
  try {
    return await prove(the, shared, handshakeTranscript(hello, answer, providerKey));
  } finally {
    shared.wipe();
  }
};

const readAnswer = (message: Uint8Array): Answer => {
  const reply = decodeReply(message) ?? stop({ type: "not-understood" });
  if (reply.type === "answer") return reply;
  const refusal = reply.type === "refusal" ? reply.refusal : reply;
  return stop({ type: "refused", refusal, proven: false });
};

const prove = async (
  { below, turns, options }: Exchange,
  shared: Secret,
  transcript: Uint8Array,
): Promise<Opening> => {
  const { gateway, certificate, resume, rekeyBytes } = options;
  const keys = handshakeKeys(shared, transcript);
  const given = makeProof(gateway, transcript, { clock: options.now(), certificate, resume });
  const proofCipher = new RecordCipher(keys.toCoordinator, rekeyBytes);
  const verdictCipher = new RecordCipher(keys.toClient, rekeyBytes);
  void below.send(proofCipher.seal(encodeCanonical(proof, given)));
  proofCipher.wipe();
  const verdictMessage = verdictCipher.open(await turns.next()) ?? stop({ type: "tampered" });
  verdictCipher.wipe();
  const verdict = decodeVerdict(verdictMessage) ?? stop({ type: "not-understood" });
  if (verdict.type === "refused") return stop({ type: "refused", refusal: verdict.refusal, proven: true });
  const traffic = trafficKeys(shared, transcript, given, verdictMessage);
  const ciphers = {
    sealing: new RecordCipher(traffic.toCoordinator, rekeyBytes),
    opening: new RecordCipher(traffic.toClient, rekeyBytes),
  };
  const { sessionId, lastReceived } = verdict;
  return { type: "open", link: new SecureLink(below, turns, ciphers), sessionId, lastReceived };
};

const stop = (failure: LinkFailure): never => {
  throw new HandshakeStopped(failure);
};
