/**
 * The ring engine written down once more, one lane at a time in big integers: no threads, no pieces, no shared code.
 * Vectors are its own bytes, so that fast and slow engines are compared byte for byte.
 */
import type { QuantiseJob, RingEngine, RingGeometry, RingVector } from "@bulkhead/compute";
import { chacha20Block } from "./chacha20.ts";

const CHECK_LANES = 8;

export const slowRingEngine = (): RingEngine => ({
  name: "slow",
  detail: "one lane at a time",
  allocate: (geometry) => ({
    ...geometry,
    bytes: new Uint8Array((geometry.segmentLanes.reduce((a, b) => a + b) * geometry.laneBits) / 8),
  }),
  quantise: async (job, into) => {
    const { lanes, clamped } = slowEncode(job, into.laneBits);
    let next = 0;
    for (const [lane, isCheck] of checkFlags(into).entries())
      writeLane(into, lane, isCheck ? 0n : lanes[next++]!);
    if (next !== lanes.length) throw new Error("a payload of another length");
    return { clamped };
  },
  addStreams: async (target, streams) => {
    for (const { key, sign } of streams) {
      let lane = 0;
      for (const [segment, count] of target.segmentLanes.entries()) {
        const words = slowWords(key, segment, { bits: target.laneBits, count });
        for (const word of words) {
          writeLane(target, lane, readLane(target, lane) + BigInt(sign) * word);
          lane++;
        }
      }
    }
  },
  addChunk: async (target, byteOffset, chunk) => {
    const width = target.laneBits / 8;
    if (byteOffset % width !== 0 || chunk.length % width !== 0) throw new RangeError("half a lane");
    if (byteOffset < 0 || byteOffset + chunk.length > target.bytes.length) throw new RangeError("outside");
    for (let i = 0; i < chunk.length; i += width) {
      const lane = (byteOffset + i) / width;
      writeLane(target, lane, readLane(target, lane) + littleEndian(chunk.subarray(i, i + width)));
    }
  },
  firstNonZeroCheckLane: (target) => {
    const found = checkFlags(target).findIndex((isCheck, lane) => isCheck && readLane(target, lane) !== 0n);
    return found === -1 ? undefined : found;
  },
  close: async () => {},
});

/** The payload lanes of a job, unsigned, and how many coordinates were clamped. */
export const slowEncode = (
  { update, plan, factor, roundingSeed, scalarLanes }: QuantiseJob,
  laneBits: 16 | 32,
): { readonly lanes: readonly bigint[]; readonly clamped: number } => {
  const scales = plan.tensors.flatMap(({ length, scale }) => Array.from({ length }, () => scale));
  const dither = slowWords(roundingSeed, 0xffff_ffff, { bits: 32, count: update.length });
  let clamped = 0;
  const quanta = Array.from(update, (x, i) => {
    const q = Math.floor(x * (factor * scales[i]!) + Number(dither[i]!) / 2 ** 32);
    if (Math.abs(q) <= plan.largestQuantum) return q;
    clamped++;
    return Math.sign(q) * plan.largestQuantum;
  });
  const lanes = quanta.map((q) => BigInt.asUintN(laneBits, BigInt(q)));
  return { lanes: [...lanes, ...Array.from(scalarLanes(clamped), BigInt)], clamped };
};

/** The first words of ChaCha20 under `key`, with the segment big-endian in the nonce. */
const slowWords = (
  key: Uint8Array,
  segment: number,
  { bits, count }: { readonly bits: 16 | 32; readonly count: number },
): bigint[] => {
  const nonce = new Uint8Array(12);
  for (let i = 0; i < 4; i++) nonce[i] = Math.floor(segment / 256 ** (3 - i)) % 256;
  const words: bigint[] = [];
  for (let counter = 0; words.length < count; counter++) {
    const block = chacha20Block(key, nonce, counter);
    for (let at = 0; at < 64 && words.length < count; at += bits / 8)
      words.push(littleEndian(block.subarray(at, at + bits / 8)));
  }
  return words;
};

const checkFlags = ({ segmentLanes }: RingGeometry): boolean[] =>
  segmentLanes.flatMap((lanes) =>
    Array.from({ length: lanes }, (_, i) => i < CHECK_LANES || i >= lanes - CHECK_LANES),
  );

const readLane = ({ laneBits, bytes }: RingVector, lane: number): bigint =>
  littleEndian(bytes.subarray((lane * laneBits) / 8, ((lane + 1) * laneBits) / 8));

const writeLane = ({ laneBits, bytes }: RingVector, lane: number, value: bigint): void => {
  let rest = BigInt.asUintN(laneBits, value);
  for (let i = 0; i < laneBits / 8; i++, rest /= 256n) bytes[(lane * laneBits) / 8 + i] = Number(rest % 256n);
};

const littleEndian = (bytes: Uint8Array): bigint => {
  let value = 0;
  for (const [i, byte] of bytes.entries()) value += byte * 256 ** i;
  return BigInt(value);
};
