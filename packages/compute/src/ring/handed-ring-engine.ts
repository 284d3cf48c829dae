/**
 * The ring engine that divides each operation among hands by ranges of lanes, so that one vector or one stream uses
 * them all. What is not in shared memory reaches a hand through a stage of fixed size: beside the vectors themselves
 * an engine takes one stage and a few pieces of keystream a hand, whatever the length of a vector or a list of streams.
 */
import { invariant } from "@bulkhead/base";
import type { QuantiseJob, RingEngine, RingGeometry, RingVector, SignedStream } from "./ring-engine.ts";
import type { RingHand } from "./ring-hand.ts";
import {
  allocateVector,
  clearCheckLanes,
  firstNonZeroCheckLane,
  laneBytes,
  lanesOf,
  payloadLanes,
  payloadRuns,
} from "./ring-vector.ts";

const STAGE = 1024 * 1024;
/** Below so many lanes a range is not worth a message to another thread. */
const FEWEST_LANES = 16 * 1024;
/** Parts begin at a whole word of lanes and a whole block of keystream. */
const BLOCK_LANES = 32;
const KEY = 32;

/** A part of what an operation covers, for one hand. */
interface Part {
  readonly hand: RingHand;
  readonly stage: Uint8Array;
  readonly first: number;
  readonly end: number;
}

export class HandedRingEngine implements RingEngine {
  readonly name: string;
  readonly #hands: readonly RingHand[];
  readonly #stages: readonly Uint8Array[];
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(name: string, hands: readonly RingHand[]) {
    this.name = name;
    this.#hands = hands;
    this.#stages = hands.map(() => new Uint8Array(new SharedArrayBuffer(STAGE)));
  }

  allocate(geometry: RingGeometry): RingVector {
    return allocateVector(geometry);
  }

  firstNonZeroCheckLane(target: RingVector): number | undefined {
    return firstNonZeroCheckLane(target);
  }

  quantise(job: QuantiseJob, into: RingVector): Promise<{ readonly clamped: number }> {
    return this.#inTurn(async () => {
      checkJob(job, into);
      clearCheckLanes(into);
      const roundingSeed = sharedCopy(job.roundingSeed);
      try {
        const counts = await this.#divided(job.update.length, (part) =>
          quantisePart(job, { ...part, into, roundingSeed }),
        );
        const clamped = counts.reduce((sum, count) => sum + count, 0);
        writeAfter(job.update.length, job.scalarLanes(clamped), into);
        return { clamped };
      } finally {
        roundingSeed.fill(0);
      }
    });
  }

  addStreams(target: RingVector, streams: readonly SignedStream[]): Promise<void> {
    return this.#inTurn(async () => {
      invariant(
        streams.every(({ key }) => key.length === KEY),
        "a stream's key has 32 bytes",
      );
      const keys = sharedCopy(...streams.map(({ key }) => key));
      const signs = streams.map(({ sign }) => sign);
      try {
        await this.#divided(lanesOf(target).length, ({ hand, first, end }) =>
          hand.perform({ type: "add-streams", target, keys, signs, first, end }),
        );
      } finally {
        keys.fill(0);
      }
    });
  }

  addChunk(target: RingVector, byteOffset: number, chunk: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      checkChunk(target, byteOffset, chunk);
      const width = laneBytes(target);
      await this.#divided(chunk.length / width, async ({ hand, stage, first, end }) => {
        for (let from = first; from < end; from += STAGE / width) {
          const part = chunk.subarray(from * width, Math.min(end * width, from * width + STAGE));
          stage.set(part);
          const bytes = stage.subarray(0, part.length);
          await hand.perform({ type: "add-lanes", target, first: byteOffset / width + from, bytes });
        }
        return 0;
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
    await Promise.all(this.#hands.map((hand) => hand.close()));
  }

  /** One operation at a time, in the order of the calls: two never write the same lanes. */
  #inTurn<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new Error(`ring engine "${this.name}" is closed`));
    const result = this.#last.then(operation);
    this.#last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** Waits for every hand even when one fails, so that none still writes when the next operation begins. */
  async #divided(count: number, perform: (part: Part) => Promise<number>): Promise<number[]> {
    const parts = Math.max(1, Math.min(this.#hands.length, Math.floor(count / FEWEST_LANES)));
    const bounds = Array.from({ length: parts + 1 }, (_, i) =>
      i === parts ? count : Math.floor((count * i) / parts / BLOCK_LANES) * BLOCK_LANES,
    );
    const results = await Promise.allSettled(
      bounds
        .slice(1)
        .map((end, i) => perform({ hand: this.#hands[i]!, stage: this.#stages[i]!, first: bounds[i]!, end })),
    );
    return results.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
  }
}

const quantisePart = async (
  { update, plan, factor }: QuantiseJob,
  part: Part & { readonly into: RingVector; readonly roundingSeed: Uint8Array },
): Promise<number> => {
  const { hand, stage, into, roundingSeed, end } = part;
  let clamped = 0;
  for (let first = part.first; first < end; first += STAGE / 4) {
    const length = Math.min(STAGE / 4, end - first);
    const values = new Float32Array(stage.buffer, 0, length);
    values.set(update.subarray(first, first + length));
    clamped += await hand.perform({ type: "quantise", into, first, values, plan, factor, roundingSeed });
  }
  return clamped;
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
  invariant(Number.isFinite(factor), "the factor of an update is finite");
  invariant(roundingSeed.length === KEY, "a rounding seed has 32 bytes");
};

const checkChunk = (target: RingVector, byteOffset: number, chunk: Uint8Array): void => {
  const width = laneBytes(target);
  if (!Number.isSafeInteger(byteOffset) || byteOffset % width !== 0 || chunk.length % width !== 0)
    throw new RangeError(`a chunk holds whole lanes of ${width} bytes`);
  if (byteOffset < 0 || byteOffset + chunk.length > target.bytes.length)
    throw new RangeError(`a chunk lies inside its vector of ${target.bytes.length} bytes`);
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
