/**
 * The four messages that open a secure link, in the order in which they travel:
 *
 * | message | from        | carries                                                                          |
 * |---------|-------------|----------------------------------------------------------------------------------|
 * | hello   | client      | ephemeral key, nonce, contract digest                                            |
 * | answer  | coordinator | ephemeral key, nonce, provider's signature over hello and answer                 |
 * | proof   | client      | sealed: clock, certificate, session to resume, gateway's signature over all      |
 * | verdict | coordinator | sealed: session and what it has received of it, or a refusal                     |
 *
 * Hello and answer stand in an envelope whose form holds for all versions to come, so that peers of different
 * versions can tell each other so; a refusal in the place of an answer is unsigned, and taken as a hint.
 */
import { gatewayCertificate, PUBLIC_KEY_LENGTH, SIGNATURE_LENGTH } from "@bulkhead/crypto";
import {
  concatBytes,
  decodeCanonical,
  encodeCanonical,
  equalBytes,
  rawBytes,
  ShapeError,
  struct,
  u16,
  u64,
  u8,
  utf8,
  type Canonical,
  type CanonicalType,
} from "@bulkhead/base";
import { decodeRefusal, encodeRefusal, type Refusal } from "./refusal.ts";

export const LINK_VERSION = 1;
export const SESSION_ID_LENGTH = 16;
export const NONCE_LENGTH = 32;
export const DIGEST_LENGTH = 32;
/** No message of the handshake is longer. */
export const LONGEST_HANDSHAKE_MESSAGE = 512;

const MAGIC = utf8("bulkhead");
const KINDS = { hello: 1, answer: 2, refusal: 3 } as const;

export const hello = struct({
  ephemeralKey: rawBytes(PUBLIC_KEY_LENGTH),
  nonce: rawBytes(NONCE_LENGTH),
  contractDigest: rawBytes(DIGEST_LENGTH),
});
export type Hello = CanonicalType<typeof hello>;

export const answer = struct({
  ephemeralKey: rawBytes(PUBLIC_KEY_LENGTH),
  nonce: rawBytes(NONCE_LENGTH),
  signature: rawBytes(SIGNATURE_LENGTH),
});
export type Answer = CanonicalType<typeof answer>;

/** A place in a session: its id and the number of the last message received of it. */
const sessionPlace = struct({ sessionId: rawBytes(SESSION_ID_LENGTH), lastReceived: u64 });
export type SessionPlace = CanonicalType<typeof sessionPlace>;

/** Behind one byte, 1 if there is a value and 0 if not. */
const optionally = <T>(codec: Canonical<T>): Canonical<T | undefined> => ({
  write: (value) =>
    value === undefined ? Uint8Array.of(0) : concatBytes(Uint8Array.of(1), codec.write(value)),
  read: (from) => {
    const present = u8.read(from);
    if (present > 1) throw new ShapeError("presence", "0 or 1");
    return present === 1 ? codec.read(from) : undefined;
  },
});

/** What the gateway signs in a proof, behind the transcript so far. */
export const claim = struct({
  clock: u64,
  certificate: gatewayCertificate,
  resume: optionally(sessionPlace),
});
export type Claim = CanonicalType<typeof claim>;

export const proof = struct({ claim, signature: rawBytes(SIGNATURE_LENGTH) });
export type Proof = CanonicalType<typeof proof>;

export type Verdict =
  | ({ readonly type: "accepted" } & SessionPlace)
  | { readonly type: "refused"; readonly refusal: Refusal };

export type Greeting = { readonly type: "hello" } & Hello;
export type Reply =
  | ({ readonly type: "answer" } & Answer)
  | { readonly type: "refusal"; readonly refusal: Refusal };
export type OtherVersion = { readonly type: "other-version"; readonly version: number };

export const encodeHello = (value: Hello): Uint8Array => envelop(KINDS.hello, encodeCanonical(hello, value));

export const encodeAnswer = (value: Answer): Uint8Array =>
  envelop(KINDS.answer, encodeCanonical(answer, value));

export const encodePlainRefusal = (refusal: Refusal): Uint8Array =>
  envelop(KINDS.refusal, encodeRefusal(refusal));

/** Gives `undefined` for bytes that are no hello. */
export const decodeHello = (bytes: Uint8Array): Greeting | OtherVersion | undefined =>
  whole(() => {
    const { kind, version, body } = unenvelop(bytes);
    if (version !== LINK_VERSION) return { type: "other-version", version };
    return kind === KINDS.hello ? { type: "hello", ...decodeCanonical(hello, body) } : undefined;
  });

/** Gives `undefined` for bytes that are neither an answer nor a refusal. */
export const decodeReply = (bytes: Uint8Array): Reply | OtherVersion | undefined =>
  whole(() => {
    const { kind, version, body } = unenvelop(bytes);
    if (version !== LINK_VERSION) return { type: "other-version", version };
    if (kind === KINDS.answer) return { type: "answer", ...decodeCanonical(answer, body) };
    const refusal = kind === KINDS.refusal ? decodeRefusal(body) : undefined;
    return refusal && { type: "refusal", refusal };
  });

/** Gives `undefined` for bytes that are no proof. */
export const decodeProof = (bytes: Uint8Array): Proof | undefined =>
  whole(() => decodeCanonical(proof, bytes));

export const encodeVerdict = (verdict: Verdict): Uint8Array =>
  verdict.type === "accepted"
    ? concatBytes(Uint8Array.of(1), encodeCanonical(sessionPlace, verdict))
    : concatBytes(Uint8Array.of(0), encodeRefusal(verdict.refusal));

/** Gives `undefined` for bytes that are no verdict. */
export const decodeVerdict = (bytes: Uint8Array): Verdict | undefined =>
  whole(() => {
    const body = bytes.subarray(1);
    if (bytes[0] === 1) return { type: "accepted", ...decodeCanonical(sessionPlace, body) };
    const refusal = bytes[0] === 0 ? decodeRefusal(body) : undefined;
    return refusal && { type: "refused", refusal };
  });

const envelop = (kind: number, body: Uint8Array): Uint8Array =>
  concatBytes(MAGIC, encodeCanonical(u16, LINK_VERSION), Uint8Array.of(kind), body);

const unenvelop = (bytes: Uint8Array) => {
  const versionAt = MAGIC.length;
  if (bytes.length > LONGEST_HANDSHAKE_MESSAGE) throw new ShapeError("", "a message of the handshake");
  if (!equalBytes(bytes.subarray(0, versionAt), MAGIC))
    throw new ShapeError("byte 0", "the name of the protocol");
  const version = decodeCanonical(u16, bytes.slice(versionAt, versionAt + 2));
  return { version, kind: bytes[versionAt + 2], body: bytes.slice(versionAt + 3) };
};

/** Strangers' bytes that have no shape are expected, not a failure of ours. */
const whole = <T>(read: () => T | undefined): T | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
};
