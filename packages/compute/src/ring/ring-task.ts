/**
 * The kernels: what is done to a range of lanes, on whichever thread. A task names shared memory and is done when
 * {@link performRingTask} gives its count; tasks on ranges that do not meet may run at the same time.
 */
import { assertNever } from "@bulkhead/base";
import { openKeystream, segmentNonce } from "@bulkhead/crypto";
import { type QuantiseSpec, type RingGeometry, type RingVector, ROUNDING_SEGMENT } from "./ring-engine.ts";
import { addLanes } from "./add-lanes.ts";
import { type Lanes, laneBytes, lanesOf, payloadRuns, segmentRuns, wholeLanes } from "./ring-vector.ts";

export type RingTask = AddStreams | AddLanes | Quantise;

interface AddStreams {
  readonly type: "add-streams";
  readonly target: RingVector;
  /** The keys one behind the other; the one who made the task wipes them. */
  readonly keys: Uint8Array;
  readonly signs: readonly (1 | -1)[];
  /** Lanes of the target, the last one not included. */
  readonly first: number;
  readonly end: number;
}

interface AddLanes {
  readonly type: "add-lanes";
  readonly target: RingVector;
  /** The lane where the first of those in `bytes` is added. */
  readonly first: number;
  readonly bytes: Uint8Array;
}

interface Quantise {
  readonly type: "quantise";
  readonly into: RingVector;
  /** Which coordinate of the update the first of `values` is. */
  readonly first: number;
  readonly values: Float32Array;
  readonly plan: QuantiseSpec;
  readonly factor: number;
  readonly roundingSeed: Uint8Array;
}

/** Keystream is made and used in pieces of so many bytes, so that piece and target stay in the cache. */
const PIECE = 64 * 1024;
/** So many streams are open at once: beyond that, the range is gone over again. */
const OPEN_STREAMS = 64;
const KEY = 32;

/** Gives the count of clamped coordinates, 0 where none can be. */
export const performRingTask = (task: RingTask): number => {
  switch (task.type) {
    case "add-streams":
      addStreams(task);
      return 0;
    case "add-lanes":
      addLanes(task.target, task.first, { bytes: task.bytes, sign: 1 });
      return 0;
    case "quantise":
      return quantise(task);
    default:
      return assertNever(task);
  }
};

const addStreams = ({ target, keys, signs, first, end }: AddStreams): void => {
  for (let from = 0; from < signs.length; from += OPEN_STREAMS)
    for (const run of segmentRuns(target, first, end)) {
      const streams = signs.slice(from, from + OPEN_STREAMS).map((sign, i) => ({
        sign,
        stream: openKeystream({
          key: keys.subarray(KEY * (from + i), KEY * (from + i + 1)),
          nonce: segmentNonce(run.segment),
          offset: run.from * laneBytes(target),
        }),
      }));
      for (const piece of inPieces(run.length, PIECE / laneBytes(target)))
        for (const { sign, stream } of streams) {
          const bytes = stream.next(piece.length * laneBytes(target));
          addLanes(target, run.at + piece.from, { bytes, sign });
        }
    }
};

const quantise = (task: Quantise): number => {
  const { first, values, into } = task;
  const dither = openKeystream({
    key: task.roundingSeed,
    nonce: segmentNonce(ROUNDING_SEGMENT),
    offset: 4 * first,
  });
  const lanes = lanesOf(into);
  let clamped = 0;
  for (const { from, at, length, scale } of scaledRuns(task.plan, into, first, first + values.length)) {
    const run = {
      values: values.subarray(from - first, from - first + length),
      dither: wholeLanes(32, dither.next(4 * length)),
      lanes: lanes.subarray(at, at + length),
    };
    clamped += quantiseRun(run, task.factor * scale, task.plan.largestQuantum);
  }
  return clamped;
};

interface QuantiseRun {
  readonly values: Float32Array;
  readonly dither: Lanes;
  readonly lanes: Lanes;
}

const quantiseRun = ({ values, dither, lanes }: QuantiseRun, multiplier: number, largest: number): number => {
  let clamped = 0;
  // Doubles hold the sum of a piece of single-precision values, so that it is finite unless a value is not.
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    sum += value;
    let quantum = Math.floor(value * multiplier + dither[i]! * 2 ** -32);
    if (quantum > largest) {
      quantum = largest;
      clamped++;
    } else if (quantum < -largest) {
      quantum = -largest;
      clamped++;
    }
    lanes[i] = quantum;
  }
  if (!Number.isFinite(sum)) throw new Error("an update holds a value that is not finite");
  return clamped;
};

interface ScaledRun {
  readonly from: number;
  readonly at: number;
  readonly length: number;
  readonly scale: number;
}

/** The coordinates from `first` to before `end` in pieces, each inside one tensor and one segment. */
function* scaledRuns(
  plan: QuantiseSpec,
  geometry: RingGeometry,
  first: number,
  end: number,
): Generator<ScaledRun> {
  let start = 0;
  for (const { length, scale } of plan.tensors) {
    for (const run of payloadRuns(geometry, Math.max(first, start), Math.min(end, start + length)))
      for (const piece of inPieces(run.length, PIECE / 4))
        yield { from: run.from + piece.from, at: run.at + piece.from, length: piece.length, scale };
    start += length;
  }
}

function* inPieces(
  length: number,
  longest: number,
): Generator<{ readonly from: number; readonly length: number }> {
  for (let from = 0; from < length; from += longest) yield { from, length: Math.min(longest, length - from) };
}
