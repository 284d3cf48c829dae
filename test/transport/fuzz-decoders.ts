/** Random and mutated bytes for every decoder of the transport; each must give a value or nothing, and nothing else. */
import { decodeCanonical, encodeCanonical, ShapeError } from "@bulkhead/base";
import { randomBytes } from "@bulkhead/crypto";
import {
  acknowledgementFrame,
  decodeFrame,
  decodeHello,
  decodeProof,
  decodeRefusal,
  decodeReply,
  decodeVerdict,
  encodeAnswer,
  encodeHello,
  encodePlainRefusal,
  encodeRefusal,
  encodeVerdict,
  farewellFrame,
  gatewayCertificate,
  messageFrame,
  proof,
  stampAcknowledged,
  type Frame,
  type Refusal,
} from "@bulkhead/transport";
import { expect } from "vitest";
import { certificateOf, member } from "./federation.ts";
import { flipBit } from "./relay.ts";

interface Decoder {
  readonly seeds: readonly Uint8Array[];
  /** Gives the bytes of what was read, or `undefined`: what was read has one encoding. */
  readonly again: (bytes: Uint8Array) => Uint8Array | undefined;
}

const refusals: readonly Refusal[] = [
  { type: "unknown-member" },
  { type: "other-version", version: 3 },
  { type: "clock-far-off", byMs: 9 },
  { type: "clock-far-off", byMs: -9 },
  { type: "certificate-expired", byMs: 2 ** 40 },
];

const place = { sessionId: randomBytes(16), lastReceived: 9 };
const key = { ephemeralKey: randomBytes(32), nonce: randomBytes(32) };
const claims = [undefined, place].map((resume) => ({ clock: 1, certificate: certificateOf(member), resume }));

const frameBytes = (frame: Frame): Uint8Array => {
  if (frame.type === "acknowledgement") return acknowledgementFrame(frame.acknowledged);
  if (frame.type === "farewell") return farewellFrame(frame.farewell, frame.acknowledged);
  const bytes = messageFrame(frame.number, frame.message);
  stampAcknowledged(bytes, frame.acknowledged);
  return bytes;
};

const orNothing = <T, R>(value: T | undefined, then: (value: T) => R): R | undefined =>
  value === undefined ? undefined : then(value);

const unlessMisshapen = (read: () => Uint8Array | undefined): Uint8Array | undefined => {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShapeError) return undefined;
    throw error;
  }
};

export const decoders: Readonly<Record<string, Decoder>> = {
  hello: {
    seeds: [encodeHello({ ...key, contractDigest: randomBytes(32) })],
    again: (bytes) =>
      orNothing(decodeHello(bytes), (hello) => (hello.type === "hello" ? encodeHello(hello) : bytes)),
  },
  reply: {
    seeds: [encodeAnswer({ ...key, signature: randomBytes(64) }), ...refusals.map(encodePlainRefusal)],
    again: (bytes) =>
      orNothing(decodeReply(bytes), (reply) => {
        if (reply.type === "other-version") return bytes;
        return reply.type === "answer" ? encodeAnswer(reply) : encodePlainRefusal(reply.refusal);
      }),
  },
  proof: {
    seeds: claims.map((given) => encodeCanonical(proof, { claim: given, signature: randomBytes(64) })),
    again: (bytes) => orNothing(decodeProof(bytes), (read) => encodeCanonical(proof, read)),
  },
  certificate: {
    seeds: [encodeCanonical(gatewayCertificate, certificateOf(member))],
    again: (bytes) =>
      unlessMisshapen(() => encodeCanonical(gatewayCertificate, decodeCanonical(gatewayCertificate, bytes))),
  },
  refusal: {
    seeds: refusals.map(encodeRefusal),
    again: (bytes) => unlessMisshapen(() => orNothing(decodeRefusal(bytes), encodeRefusal)),
  },
  verdict: {
    seeds: [
      encodeVerdict({ type: "accepted", ...place }),
      ...refusals.map((refusal) => encodeVerdict({ type: "refused", refusal })),
    ],
    again: (bytes) => orNothing(decodeVerdict(bytes), encodeVerdict),
  },
  frame: {
    seeds: [
      frameBytes({ type: "message", number: 4, acknowledged: 3, message: randomBytes(9) }),
      acknowledgementFrame(5),
      farewellFrame("replaced", 6),
    ],
    again: (bytes) => orNothing(decodeFrame(bytes), frameBytes),
  },
};

/** Gives how many of the inputs were read; each of them must give its own bytes again. */
export const fuzz = ({ seeds, again }: Decoder, count: number): number => {
  let read = 0;
  for (let i = 0; i < count; i++) {
    const input = mutate(seeds[i % seeds.length] ?? new Uint8Array(0), i);
    const bytes = again(input);
    if (bytes === undefined) continue;
    read += 1;
    if (Buffer.compare(bytes, input) !== 0) expect(bytes).toEqual(input);
  }
  return read;
};

const mutate = (seed: Uint8Array, i: number): Uint8Array => {
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  switch (i % 5) {
    case 0:
      return randomBytes((a * 256 + b) % 300);
    case 1:
      return flipBit(seed, (a * 256 + b) % (8 * seed.length));
    case 2:
      return seed.slice(0, a % (seed.length + 1));
    case 3:
      return Uint8Array.of(...seed, ...randomBytes((a % 4) + 1));
    default: {
      const changed = seed.slice();
      changed[a % seed.length] = [0, 1, 127, 128, 255, b][c % 6] ?? 0;
      return changed;
    }
  }
};
