/** The key schedule of a secure link: every key and signature covers all that was said before it, and both roles. */
import { deriveSecret, hashFields, sign, verify, type SigningKeys } from "@bulkhead/crypto";
import { encodeCanonical, utf8, type Secret } from "@bulkhead/base";
import { claim, encodeAnswer, proof, type Answer, type Claim, type Proof } from "./handshake-messages.ts";

/** The keys of one direction each. */
interface DirectionKeys {
  readonly toCoordinator: Secret;
  readonly toClient: Secret;
}

/** The provider's half of the exchange, signed over the client's hello. */
export const makeAnswer = (
  helloMessage: Uint8Array,
  ephemeralKey: Uint8Array,
  nonce: Uint8Array,
  provider: SigningKeys,
): Answer => ({
  ephemeralKey,
  nonce,
  signature: sign(
    provider.secretKey,
    answerDigest(helloMessage, { ephemeralKey, nonce }, provider.publicKey),
  ),
});

export const isAnswerOf = (providerKey: Uint8Array, helloMessage: Uint8Array, answer: Answer): boolean =>
  verify(providerKey, answerDigest(helloMessage, answer, providerKey), answer.signature);

/** Stands for hello, answer and the provider in all that follows. */
export const handshakeTranscript = (
  helloMessage: Uint8Array,
  answer: Answer,
  providerKey: Uint8Array,
): Uint8Array => hashFields("bulkhead/1 link transcript", helloMessage, encodeAnswer(answer), providerKey);

export const makeProof = (gateway: SigningKeys, transcript: Uint8Array, claimed: Claim): Proof => ({
  claim: claimed,
  signature: sign(gateway.secretKey, proofDigest(transcript, claimed)),
});

/** Whether the gateway's key that the certificate names has signed; who certified it is another question. */
export const isProofOf = (transcript: Uint8Array, { claim: claimed, signature }: Proof): boolean =>
  verify(claimed.certificate.gatewayKey, proofDigest(transcript, claimed), signature);

/** Seal proof and verdict, one message each. */
export const handshakeKeys = (shared: Secret, transcript: Uint8Array): DirectionKeys =>
  directionKeys(shared, transcript, "handshake");

/** Seal everything after the verdict; bound to it and to the proof. */
export const trafficKeys = (
  shared: Secret,
  transcript: Uint8Array,
  given: Proof,
  verdictMessage: Uint8Array,
): DirectionKeys => {
  const all = hashFields("bulkhead/1 link opened", transcript, encodeCanonical(proof, given), verdictMessage);
  return directionKeys(shared, all, "traffic");
};

const directionKeys = (secret: Secret, salt: Uint8Array, use: "handshake" | "traffic"): DirectionKeys => ({
  toCoordinator: deriveSecret({ secret, salt, info: utf8(`bulkhead/1 link ${use} to coordinator`) }),
  toClient: deriveSecret({ secret, salt, info: utf8(`bulkhead/1 link ${use} to client`) }),
});

const answerDigest = (
  helloMessage: Uint8Array,
  { ephemeralKey, nonce }: Omit<Answer, "signature">,
  providerKey: Uint8Array,
): Uint8Array => hashFields("bulkhead/1 link answer", helloMessage, ephemeralKey, nonce, providerKey);

const proofDigest = (transcript: Uint8Array, claimed: Claim): Uint8Array =>
  hashFields("bulkhead/1 link proof", transcript, encodeCanonical(claim, claimed));
