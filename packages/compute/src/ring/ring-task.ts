/**
 * The kernels: what is done to a range of lanes, on whichever thread. A task names shared memory and is done when
 * {@link performRingTask} gives its count; tasks on ranges that do not meet may run at the same time.
 */
import { assertNever } from "@bulkhead/base";
import { segmentNonce } from "@bulkhead/crypto";
import { type QuantiseSpec, type RingGeometry, type RingVector, ROUNDING_SEGMENT } from "./ring-engine.ts";
import { PIECE, type Term } from "./lane-kernels.ts";
import type { RingTools } from "./ring-tools.ts";
import { spentPieces } from "./spent-pieces.ts";
import { laneBytes, payloadRuns, segmentRuns } from "./ring-vector.ts";

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

/** So many streams are open at once: beyond that, the range is gone over again. With more each one takes longer. */
const OPEN_STREAMS = 16;
const KEY = 32;

/** Gives the count of clamped coordinates, 0 where none can be. */
export const performRingTask = (task: RingTask, tools: RingTools): number => {
  switch (task.type) {
    case "add-streams":
      addStreams(task, tools);
      return 0;
    case "add-lanes":
      addLanes(task, tools);
      return 0;
    case "quantise":
      return quantise(task, tools);
    default:
      return assertNever(task);
  }
};

const addStreams = (task: AddStreams, tools: RingTools): void => {
  const spent = spentPieces();
  const { target, signs, first, end } = task;
  const width = laneBytes(target);
  for (let from = 0; from < signs.length; from += OPEN_STREAMS)
    for (const run of segmentRuns(target, first, end)) {
      const terms = signs.slice(from, from + OPEN_STREAMS).map((sign, i): Term => {
        const key = task.keys.subarray(KEY * (from + i), KEY * (from + i + 1));
        const nonce = segmentNonce(run.segment);
        const stream = tools.openKeystream({ key, nonce, offset: run.from * width });
        return { sign, next: (length) => spent.next(stream, length) };
      });
      for (const piece of inPieces(run.length, PIECE / width))
        tools.kernels.addTerms(target.laneBits, lanesAt(target, run.at + piece.from, piece.length), terms);
    }
  spent.release();
};

const addLanes = ({ target, first, bytes }: AddLanes, { kernels }: RingTools): void => {
  const width = laneBytes(target);
  for (const { from, length } of inPieces(bytes.length / width, PIECE / width)) {
    const next = () => bytes.subarray(from * width, (from + length) * width);
    kernels.addTerms(target.laneBits, lanesAt(target, first + from, length), [{ sign: 1, next }]);
  }
};

const quantise = (task: Quantise, { kernels, openKeystream }: RingTools): number => {
  const { first, values, into, plan, factor } = task;
  const dither = openKeystream({
    key: task.roundingSeed,
    nonce: segmentNonce(ROUNDING_SEGMENT),
    offset: 4 * first,
  });
  const spent = spentPieces();
  let clamped = 0;
  for (const { from, at, length, scale } of scaledRuns(plan, into, first, first + values.length))
    clamped += kernels.encode(into.laneBits, {
      values: values.subarray(from - first, from - first + length),
      dither: spent.next(dither, 4 * length),
      lanes: lanesAt(into, at, length),
      multiplier: factor * scale,
      largest: plan.largestQuantum,
    });
  spent.release();
  return clamped;
};

const lanesAt = (vector: RingVector, at: number, length: number): Uint8Array =>
  vector.bytes.subarray(at * laneBytes(vector), (at + length) * laneBytes(vector));

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
