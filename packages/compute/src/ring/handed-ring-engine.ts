/**
 * The ring engine that divides each operation among hands by ranges of lanes, so that one vector or one stream uses
 * them all; what is too small to hand over, the caller's own thread does. Beside the vectors themselves an engine takes
 * a stage and a few pieces of keystream a hand, whatever the length of a vector or a list of streams.
 */
import { invariant } from "@bulkhead/base";
import type { QuantiseJob, RingEngine, RingGeometry, RingVector, SignedStream } from "./ring-engine.ts";
import type { RingHand } from "./ring-hand.ts";
import {
  allocateVector,
  checkChunk,
  clearCheckLanes,
  firstNonZeroCheckLane,
  laneBytes,
  lanesOf,
  payloadLanes,
  payloadRuns,
} from "./ring-vector.ts";
import { Turns } from "./turns.ts";

/** Work is handed over when it is worth a message to another thread: in bytes of keystream, and of an arriving chunk. */
const FEWEST_KEYSTREAM = 64 * 1024;
/** To add a chunk takes the caller's thread no longer than to copy it for another. */
const FEWEST_CHUNK = 1024 * 1024;
/** Parts begin at a whole word of lanes and a whole block of keystream. */
const BLOCK_LANES = 32;
const KEY = 32;

/** A part of what an operation covers, for one hand. */
interface Part {
  readonly hand: RingHand;
  readonly first: number;
  readonly end: number;
}

interface Hands {
  /** The caller's own thread. */
  readonly own: RingHand;
  readonly others: readonly RingHand[];
}

export class HandedRingEngine implements RingEngine {
  readonly name: string;
  readonly detail: string;
  readonly #hands: Hands;
  readonly #turns: Turns;

  constructor(names: { readonly name: string; readonly detail: string }, hands: Hands) {
    this.name = names.name;
    this.detail = names.detail;
    this.#hands = hands;
    this.#turns = new Turns(names.name);
  }

  allocate(geometry: RingGeometry): RingVector {
    return allocateVector(geometry);
  }

  firstNonZeroCheckLane(target: RingVector): number | undefined {
    return firstNonZeroCheckLane(target);
  }

  quantise(job: QuantiseJob, into: RingVector): Promise<{ readonly clamped: number }> {
    return this.#turns.take(async () => {
      checkJob(job, into);
      clearCheckLanes(into);
      const roundingSeed = sharedCopy(job.roundingSeed);
      try {
        const { update, plan, factor } = job;
        const hands = this.#handsFor(4 * update.length >= FEWEST_KEYSTREAM);
        const counts = await divided(hands, update.length, ({ hand, first, end }) => {
          const values = update.subarray(first, end);
          return hand.perform({ type: "quantise", into, first, values, plan, factor, roundingSeed });
        });
        const clamped = counts.reduce((sum, count) => sum + count, 0);
        writeAfter(job.update.length, job.scalarLanes(clamped), into);
        return { clamped };
      } finally {
        roundingSeed.fill(0);
      }
    });
  }

  addStreams(target: RingVector, streams: readonly SignedStream[]): Promise<void> {
    return this.#turns.take(async () => {
      invariant(
        streams.every(({ key }) => key.length === KEY),
        "a stream's key has 32 bytes",
      );
      const keys = sharedCopy(...streams.map(({ key }) => key));
      const signs = streams.map(({ sign }) => sign);
      try {
        const hands = this.#handsFor(streams.length * target.bytes.length >= FEWEST_KEYSTREAM);
        await divided(hands, target.bytes.length / laneBytes(target), ({ hand, first, end }) =>
          hand.perform({ type: "add-streams", target, keys, signs, first, end }),
        );
      } finally {
        keys.fill(0);
      }
    });
  }

  addChunk(target: RingVector, byteOffset: number, chunk: Uint8Array): Promise<void> {
    return this.#turns.take(async () => {
      checkChunk(target, byteOffset, chunk);
      const width = laneBytes(target);
      const hands = this.#handsFor(chunk.length > FEWEST_CHUNK);
      await divided(hands, chunk.length / width, ({ hand, first, end }) => {
        const bytes = chunk.subarray(first * width, end * width);
        return hand.perform({ type: "add-lanes", target, first: byteOffset / width + first, bytes });
      });
    });
  }

  async close(): Promise<void> {
    await this.#turns.close();
    await Promise.all(this.#hands.others.map((hand) => hand.close()));
  }

  #handsFor(isWorthHandingOver: boolean): readonly RingHand[] {
    const { own, others } = this.#hands;
    return isWorthHandingOver && others.length > 0 ? others : [own];
  }
}

/** Waits for every hand even when one fails, so that none still writes when the next operation begins. */
const divided = async (
  hands: readonly RingHand[],
  count: number,
  perform: (part: Part) => Promise<number>,
): Promise<number[]> => {
  const bounds = [...hands.keys()].map(
    (i) => Math.floor((count * i) / hands.length / BLOCK_LANES) * BLOCK_LANES,
  );
  const results = await Promise.allSettled(
    hands.map((hand, i) => perform({ hand, first: bounds[i]!, end: bounds[i + 1] ?? count })),
  );
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
};

const writeAfter = (first: number, scalarLanes: Uint32Array, into: RingVector): void => {
  invariant(
    first + scalarLanes.length === payloadLanes(into),
    "coordinates and scalars fill the payload of their vector",
  );
  const lanes = lanesOf(into);
  for (const { from, at, length } of payloadRuns(into, first, first + scalarLanes.length))
    lanes.set(scalarLanes.subarray(from - first, from - first + length), at);
};

const checkJob = ({ update, plan, factor, roundingSeed }: QuantiseJob, into: RingVector): void => {
  const coordinates = plan.tensors.reduce((sum, { length }) => sum + length, 0);
  invariant(update.length === coordinates, "an update has a value for each coordinate of its plan");
  invariant(update.length <= payloadLanes(into), "an update fits its vector");
  invariant(
    Number.isFinite(factor) && plan.tensors.every(({ scale }) => Number.isFinite(factor * scale)),
    "what an update is multiplied by is finite",
  );
  invariant(roundingSeed.length === KEY, "a rounding seed has 32 bytes");
  invariant(plan.largestQuantum < 2 ** (into.laneBits - 1), "a quantum fits its lane");
};

const sharedCopy = (...parts: readonly Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const copy = new Uint8Array(new SharedArrayBuffer(length));
  let offset = 0;
  for (const part of parts) {
    copy.set(part, offset);
    offset += part.length;
  }
  return copy;
};
