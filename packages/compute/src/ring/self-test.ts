/**
 * Known answers for ring engines. An engine that is wrong in one lane of a billion turns a whole round to noise, so
 * that each is tried before use: encoding, streams of both signs and chunks, over borders of segments, pieces and tensors.
 */
import { bytesToHex, utf8 } from "@bulkhead/base";
import { sha256 } from "@bulkhead/crypto";
import type { RingEngine, RingGeometry } from "./ring-engine.ts";

interface KnownAnswer extends RingGeometry {
  readonly largestQuantum: number;
  readonly clamped: number;
  /** SHA-256 of the vector, in hexadecimal. */
  readonly digest: string;
}

const SEGMENT_LANES = [33_001, 17, 9_000];
/** All payload but the scalars; the second crosses segments. Scales are shares of Qmax: the last clamps in part. */
const TENSORS = [
  { length: 32_000, share: 0.125 },
  { length: 1_345, share: 0.001 },
  { length: 8_622, share: 0.5 },
];
const SCALARS = Uint32Array.of(1, 65_535, 40_000);
const CHUNK = { byteOffset: 4_004, length: 70_000 };

const KNOWN_ANSWERS: readonly KnownAnswer[] = [
  {
    laneBits: 16,
    segmentLanes: SEGMENT_LANES,
    largestQuantum: 3_276,
    clamped: 5_545,
    digest: "8de6b33a1e5a812f88579c730eaabb7d9d9ae0accbef428ee92b5ddc9e76a229",
  },
  {
    laneBits: 32,
    segmentLanes: SEGMENT_LANES,
    largestQuantum: 2 ** 27,
    clamped: 5_545,
    digest: "6c29cf61623c0c0c993f4d3c8197283026e182175ce4193e3cd8c2bb8c6f4b93",
  },
];

/** Throws unless the engine gives every known answer. */
export const selfTestRingEngine = async (engine: RingEngine): Promise<void> => {
  for (const answer of KNOWN_ANSWERS) {
    const given = await answerOf(engine, answer);
    if (given.digest !== answer.digest || given.clamped !== answer.clamped)
      throw new Error(
        `ring engine "${engine.name}" is not exact on this machine: wrong at ${answer.laneBits} bits`,
      );
  }
};

const answerOf = async (
  engine: RingEngine,
  { largestQuantum, ...geometry }: KnownAnswer,
): Promise<{ readonly clamped: number; readonly digest: string }> => {
  const vector = engine.allocate(geometry);
  const { clamped } = await engine.quantise(
    {
      update: knownUpdate(),
      plan: {
        largestQuantum,
        tensors: TENSORS.map(({ length, share }) => ({ length, scale: share * largestQuantum })),
      },
      factor: 0.7,
      roundingSeed: knownKey("rounding"),
      scalarLanes: () => SCALARS,
    },
    vector,
  );
  await engine.addStreams(vector, [
    { key: knownKey("self"), sign: 1 },
    { key: knownKey("pair"), sign: -1 },
  ]);
  await engine.addChunk(
    vector,
    CHUNK.byteOffset,
    Uint8Array.from({ length: CHUNK.length }, (_, i) => (i * 31) % 251),
  );
  return { clamped, digest: bytesToHex(sha256(vector.bytes)) };
};

/** Values of both signs up to 8, that every machine has exactly. */
const knownUpdate = (): Float32Array =>
  Float32Array.from(
    { length: TENSORS.reduce((sum, { length }) => sum + length, 0) },
    (_, i) => (((i * 7_919) % 16_385) - 8_192) / 1_024,
  );

const knownKey = (name: string): Uint8Array => sha256(utf8(`bulkhead/1 self-test ${name}`));
