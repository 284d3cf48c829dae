/** Every function of `protocol` that meets bytes from outside: a value that encodes and decodes to itself, or a refusal. */
import { decodeCanonical, encodeCanonical, type Canonical, ShapeError } from "@bulkhead/base";
import {
  advertPayload,
  agreePayload,
  clientEntryCodec,
  contractBytes,
  contractSignatureBytes,
  coordinatorEventCodec,
  decodeClientFrame,
  decodeCoordinatorFrame,
  encodeFrame,
  isSameMessage,
  maskedPayload,
  planPayload,
  readContract,
  readContractSignature,
  readSignedContract,
  resultPayload,
  sharesPayload,
  sharesPlaintext,
  signContract,
  signedContractBytes,
  unmaskPayload,
} from "@bulkhead/protocol";
import { signingKeys } from "@bulkhead/crypto";
import { federation, SeededRandom } from "@bulkhead/simulation";
import fc from "fast-check";
import type { Decoder } from "../base/decoders.ts";
import { mutated } from "../base/mutated.ts";
import {
  clientEntries,
  clientFrames,
  coordinatorEvents,
  coordinatorFrames,
  members,
} from "./arbitrary-messages.ts";

const refusesOr = (again: () => boolean): boolean => {
  try {
    if (!again()) throw new Error("a value that decodes to another value");
    return true;
  } catch (error) {
    if (error instanceof ShapeError) return false;
    throw error;
  }
};

/** MessagePack has more than one encoding of a value, so that what is read must say the same, not look the same. */
const framesOf = <F extends Parameters<typeof encodeFrame>[0]>(
  name: string,
  frames: fc.Arbitrary<F>,
  decode: (bytes: Uint8Array) => F,
): Decoder => ({
  name,
  input: mutated(frames.map(encodeFrame)),
  takes: (bytes) =>
    refusesOr(() => {
      const frame = decode(bytes);
      return isSameMessage(decode(encodeFrame(frame)), frame);
    }),
});

/** A canonical encoding is the only one of its value. */
const canonical = <T>(name: string, codec: Canonical<T>, values: fc.Arbitrary<T>): Decoder => ({
  name,
  input: mutated(values.map((value) => encodeCanonical(codec, value))),
  takes: (bytes) => refusesOr(() => same(encodeCanonical(codec, decodeCanonical(codec, bytes)), bytes)),
});

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const proof = fc.array(hash, { maxLength: 3 });

const people = federation("decoders", { members: 4 });
const { contract } = people.job;
const signatures = [signContract(contract, "provider", signingKeys(new SeededRandom("other").secret()))];

export const PROTOCOL_DECODERS: readonly Decoder[] = [
  framesOf("decodeClientFrame", clientFrames, decodeClientFrame),
  framesOf("decodeCoordinatorFrame", coordinatorFrames, decodeCoordinatorFrame),
  canonical("clientEntryCodec", clientEntryCodec, clientEntries),
  {
    name: "coordinatorEventCodec",
    input: mutated(coordinatorEvents.map((event) => encodeCanonical(coordinatorEventCodec, event))),
    // A message stands in it as the frame that it came in.
    takes: (bytes) =>
      refusesOr(() => {
        const event = decodeCanonical(coordinatorEventCodec, bytes);
        const again = encodeCanonical(coordinatorEventCodec, event);
        return isSameMessage(decodeCanonical(coordinatorEventCodec, again), event);
      }),
  },
  canonical(
    "planPayload",
    planPayload,
    fc.record({ round: fc.nat(), attempt: fc.nat(65_535), contractHash: hash, modelHash: hash }),
  ),
  canonical(
    "advertPayload",
    advertPayload,
    fc.record({ maskKey: hash, shareKey: hash, selfMaskCommitment: hash, treeHead: hash }),
  ),
  canonical("sharesPayload", sharesPayload, fc.record({ root: hash, listDigest: hash })),
  canonical(
    "sharesPlaintext",
    sharesPlaintext,
    fc.record({ selfMask: hash, maskKey: hash, selfMaskProof: proof, maskKeyProof: proof, treeHead: hash }),
  ),
  canonical(
    "maskedPayload",
    maskedPayload,
    fc.record({ byteLength: fc.maxSafeNat(), digest: hash, sharersDigest: hash }),
  ),
  canonical("agreePayload", agreePayload, fc.record({ survivorsDigest: hash, trailersDigest: hash })),
  canonical(
    "unmaskPayload",
    unmaskPayload,
    fc.record({
      shares: fc.array(fc.record({ owner: members, kind: fc.nat(255), share: hash, proof }), {
        maxLength: 4,
      }),
    }),
  ),
  canonical(
    "resultPayload",
    resultPayload,
    fc.record({
      round: fc.nat(),
      attempt: fc.nat(65_535),
      transcript: hash,
      survivors: fc.uint8Array({ maxLength: 20 }),
      trailersDigest: hash,
      sumDigest: hash,
      byteLength: fc.maxSafeNat(),
    }),
  ),
];

/** As above; each input is a whole contract. */
export const CONTRACT_DECODERS: readonly Decoder[] = [
  {
    name: "readContract",
    input: mutated(fc.constant(contractBytes(contract))),
    takes: (bytes) => refusesOr(() => same(contractBytes(readContract(bytes)), bytes)),
  },
  {
    name: "readContractSignature",
    input: mutated(fc.constant(contractSignatureBytes(signatures[0]!))),
    takes: (bytes) => refusesOr(() => same(contractSignatureBytes(readContractSignature(bytes)), bytes)),
  },
  {
    name: "readSignedContract",
    input: mutated(fc.constant(signedContractBytes({ contract, signatures }))),
    takes: (bytes) => refusesOr(() => same(signedContractBytes(readSignedContract(bytes)), bytes)),
  },
];
