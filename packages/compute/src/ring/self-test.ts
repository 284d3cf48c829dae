/**
 * Known answers for ring engines. An engine that is wrong in one lane of a million turns a whole round to noise, so that
 * each is tried before use on vectors of more than a million lanes: chunks, streams of both signs and encoding, over
 * borders of segments, pieces and tensors, on the caller's thread and on all others.
 */
import { bytesToHex, utf8 } from "@bulkhead/base";
import { keystream, segmentNonce, sha256 } from "@bulkhead/crypto";
import type { RingEngine, RingVector } from "./ring-engine.ts";

interface KnownAnswers {
  readonly laneBits: 16 | 32;
  readonly largestQuantum: number;
  /** SHA-256 of the vector after each step, in hexadecimal. */
  readonly chunks: string;
  readonly streams: string;
  readonly encoding: string;
  readonly clamped: number;
}

const SEGMENT_LANES = [700_001, 17, 400_003];
/** All payload but the scalars; the second crosses segments. Scales are shares of Qmax: the last clamps in part. */
const TENSORS = [
  { length: 690_000, share: 0.125 },
  { length: 21_345, share: 0.001 },
  { length: 388_625, share: 0.5 },
];
const SCALARS = Uint32Array.of(1, 30_000, 29_999);
/** The first is short enough for the caller's own thread. */
const CHUNKS = [
  { byteOffset: 4_004, length: 500_012 },
  { byteOffset: 8, length: 2_200_032 },
];

const KNOWN_ANSWERS: readonly KnownAnswers[] = [
  {
    laneBits: 16,
    largestQuantum: 3_276,
    chunks: "7bb501f834efa7f1c60e4967a329f452e3dbce46185843b740fe160c5155ce63",
    streams: "a53e744a057c51a127aeee612a083502c7dff12d189d3afe2962ef2c38677a6e",
    encoding: "6b04748ae8c130caf0f278d41f0841b7c0af77193007df790b418fb73b6f8f7c",
    clamped: 249999,
  },
  {
    laneBits: 32,
    largestQuantum: 2 ** 27,
    chunks: "eed0164766340ceef84684f97c87d1a72a92ab9143c9b0c88ba35e233c383801",
    streams: "a99af9cf2036ff46ee6166fc6393147f31fe39a83cd75087539ac5e50639b83c",
    encoding: "2f86915dee8f3f235d527caeaed88412fe0e1ab3e45d0af2ae537f895f02cabc",
    clamped: 250016,
  },
];

/** What the engine does wrong, in a few words; `undefined` where it gives all known answers. */
export const ringSelfTest = async (engine: RingEngine): Promise<string | undefined> => {
  for (const answers of KNOWN_ANSWERS) {
    const vector = engine.allocate({ laneBits: answers.laneBits, segmentLanes: SEGMENT_LANES });
    for (const step of ["chunks", "streams", "encoding"] as const) {
      const clamped = await DO[step](engine, vector, answers.largestQuantum);
      const digest = bytesToHex(sha256(vector.bytes));
      if (digest !== answers[step] || (step === "encoding" && clamped !== answers.clamped))
        return `${WRONG[step]} with lanes of ${answers.laneBits} bits`;
    }
  }
  return undefined;
};

const WRONG = {
  chunks: "adds chunks wrongly",
  streams: "makes or adds keystream wrongly",
  encoding: "encodes updates wrongly",
} as const;

type Step = (engine: RingEngine, vector: RingVector, largestQuantum: number) => Promise<number>;

/** The first two leave something in the vector that the next one adds to. Each gives the count of clamped coordinates. */
const DO: Readonly<Record<keyof typeof WRONG, Step>> = {
  chunks: async (engine, vector) => {
    for (const { byteOffset, length } of CHUNKS)
      await engine.addChunk(vector, byteOffset, knownBytes("chunk", length));
    return 0;
  },
  streams: async (engine, vector) => {
    const signs = [1, -1, -1, 1] as const;
    await engine.addStreams(
      vector,
      signs.map((sign, i) => ({ key: knownKey(`stream ${i}`), sign })),
    );
    return 0;
  },
  encoding: async (engine, vector, largestQuantum) => {
    const tensors = TENSORS.map(({ length, share }) => ({ length, scale: share * largestQuantum }));
    const { clamped } = await engine.quantise(
      {
        update: knownUpdate(),
        plan: { largestQuantum, tensors },
        factor: 0.7 / 4_096,
        roundingSeed: knownKey("rounding"),
        scalarLanes: () => SCALARS,
      },
      vector,
    );
    return clamped;
  },
};

/** Values of both signs up to 2^15, that every machine has exactly. */
const knownUpdate = (): Float32Array => {
  const length = TENSORS.reduce((sum, tensor) => sum + tensor.length, 0);
  return new Float32Array(new Int16Array(knownBytes("update", 2 * length).buffer));
};

const knownBytes = (name: string, length: number): Uint8Array =>
  keystream({ key: knownKey(name), nonce: segmentNonce(0), offset: 0 }, length);

const knownKey = (name: string): Uint8Array => sha256(utf8(`bulkhead/1 self-test ${name}`));
