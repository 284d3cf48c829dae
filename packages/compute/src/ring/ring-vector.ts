/** Where lanes, segments and payload stand in a ring vector. */
import { invariant } from "@bulkhead/base";
import { CHECK_LANES, type RingGeometry, type RingVector, ROUNDING_SEGMENT } from "./ring-engine.ts";

export type Lanes = Uint16Array | Uint32Array;

/** A run of neighbours: `length` of them, from `from` in what was asked for and from `at` in the vector. */
interface Run {
  readonly from: number;
  readonly at: number;
  readonly length: number;
}

export const allocateVector = ({ laneBits, segmentLanes }: RingGeometry): RingVector => {
  invariant(laneBits === 16 || laneBits === 32, "lanes have 16 or 32 bits");
  invariant(segmentLanes.length > 0 && segmentLanes.length < ROUNDING_SEGMENT, "a vector has segments");
  invariant(
    segmentLanes.every((lanes) => Number.isSafeInteger(lanes) && lanes > 2 * CHECK_LANES),
    "a segment has payload between its check lanes",
  );
  const lanes = segmentLanes.reduce((sum, count) => sum + count, 0);
  return {
    laneBits,
    segmentLanes: [...segmentLanes],
    bytes: new Uint8Array(new SharedArrayBuffer((lanes * laneBits) / 8)),
  };
};

export const laneBytes = ({ laneBits }: RingGeometry): number => laneBits / 8;

/** The lanes in the machine's byte order, which the self-test finds out to be little-endian. */
export const lanesOf = ({ laneBits, bytes }: RingVector): Lanes => wholeLanes(laneBits, bytes);

/** A view of lanes; `bytes` starts at a whole lane of its buffer. */
export const wholeLanes = (laneBits: 16 | 32, { buffer, byteOffset, length }: Uint8Array): Lanes =>
  laneBits === 16
    ? new Uint16Array(buffer, byteOffset, length / 2)
    : new Uint32Array(buffer, byteOffset, length / 4);

/** Throws a `RangeError` unless the chunk holds whole lanes that lie inside the vector. */
export const checkChunk = (target: RingVector, byteOffset: number, chunk: Uint8Array): void => {
  const width = laneBytes(target);
  if (!Number.isSafeInteger(byteOffset) || byteOffset % width !== 0 || chunk.length % width !== 0)
    throw new RangeError(`a chunk holds whole lanes of ${width} bytes`);
  if (byteOffset < 0 || byteOffset + chunk.length > target.bytes.length)
    throw new RangeError(`a chunk lies inside its vector of ${target.bytes.length} bytes`);
};

export const payloadLanes = ({ segmentLanes }: RingGeometry): number =>
  segmentLanes.reduce((sum, lanes) => sum + lanes - 2 * CHECK_LANES, 0);

/** The payload lanes from `first` to before `end`, counted over the payload, by the segments they stand in. */
export function* payloadRuns(geometry: RingGeometry, first: number, end: number): Generator<Run> {
  let payload = 0;
  let at = CHECK_LANES;
  for (const lanes of geometry.segmentLanes) {
    const from = Math.max(first, payload);
    const to = Math.min(end, payload + lanes - 2 * CHECK_LANES);
    if (from < to) yield { from, at: at + from - payload, length: to - from };
    payload += lanes - 2 * CHECK_LANES;
    at += lanes;
  }
}

interface SegmentRun extends Run {
  readonly segment: number;
}

/** The lanes from `first` to before `end` by segment; `from` counts from the segment's start. */
export function* segmentRuns(geometry: RingGeometry, first: number, end: number): Generator<SegmentRun> {
  let start = 0;
  for (const [segment, lanes] of geometry.segmentLanes.entries()) {
    const at = Math.max(first, start);
    const to = Math.min(end, start + lanes);
    if (at < to) yield { segment, from: at - start, at, length: to - at };
    start += lanes;
  }
}

export const clearCheckLanes = (vector: RingVector): void => {
  const lanes = lanesOf(vector);
  for (const at of checkRuns(vector)) lanes.fill(0, at, at + CHECK_LANES);
};

export const firstNonZeroCheckLane = (vector: RingVector): number | undefined => {
  const lanes = lanesOf(vector);
  for (const at of checkRuns(vector))
    for (let lane = at; lane < at + CHECK_LANES; lane++) if (lanes[lane] !== 0) return lane;
  return undefined;
};

/** Where the check lanes start, two times in each segment. */
function* checkRuns({ segmentLanes }: RingGeometry): Generator<number> {
  let start = 0;
  for (const lanes of segmentLanes) {
    yield start;
    yield start + lanes - CHECK_LANES;
    start += lanes;
  }
}
