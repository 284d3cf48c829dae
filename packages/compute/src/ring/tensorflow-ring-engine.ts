/**
 * The ring engine "tensorflow": what arrives is added in tensors of TensorFlow.js, for a process whose GPU that library
 * has; an engine on the processor does the rest. It is used where it is named and never chosen: a vector is read in
 * shared memory after each operation, so that every sum goes to the tensors and back.
 */
import { type Backend, type BackendPreference, openBackend } from "../backend/backend.ts";
import type { QuantiseJob, RingEngine, RingGeometry, RingVector, SignedStream } from "./ring-engine.ts";
import { checkChunk, laneBytes, lanesOf, wholeLanes } from "./ring-vector.ts";
import { Turns } from "./turns.ts";

export interface TensorflowRingOptions {
  /** Opens what quantises and adds streams on the processor, once there is a backend; closed with the engine. */
  readonly host: () => RingEngine;
  readonly backend?: BackendPreference;
}

/** Throws an {@link InputError} where the backend cannot be used; the known answers are left to whoever opens it. */
export const openTensorflowRingEngine = async ({
  host,
  backend = "auto",
}: TensorflowRingOptions): Promise<RingEngine> => {
  const opened = await openBackend(backend);
  return new TensorflowRingEngine(opened, host());
};

/** In lanes: what is in tensors at once, three times four bytes a lane. */
const PIECE = 1 << 20;

class TensorflowRingEngine implements RingEngine {
  readonly name = "tensorflow";
  readonly detail: string;
  readonly #tf: Backend["tf"];
  readonly #host: RingEngine;
  readonly #turns = new Turns(this.name);

  constructor({ name, version, tf }: Backend, host: RingEngine) {
    this.detail = `backend ${name}, ${version}`;
    this.#tf = tf;
    this.#host = host;
  }

  allocate(geometry: RingGeometry): RingVector {
    return this.#host.allocate(geometry);
  }

  firstNonZeroCheckLane(target: RingVector): number | undefined {
    return this.#host.firstNonZeroCheckLane(target);
  }

  quantise(job: QuantiseJob, into: RingVector): Promise<{ readonly clamped: number }> {
    return this.#turns.take(() => this.#host.quantise(job, into));
  }

  addStreams(target: RingVector, streams: readonly SignedStream[]): Promise<void> {
    return this.#turns.take(() => this.#host.addStreams(target, streams));
  }

  addChunk(target: RingVector, byteOffset: number, chunk: Uint8Array): Promise<void> {
    return this.#turns.take(async () => {
      checkChunk(target, byteOffset, chunk);
      const width = laneBytes(target);
      // A chunk may begin at any byte of its buffer.
      for (let from = 0; from < chunk.length; from += PIECE * width) {
        const terms = wholeLanes(target.laneBits, chunk.slice(from, from + PIECE * width));
        const first = (byteOffset + from) / width;
        const lanes = lanesOf(target).subarray(first, first + terms.length);
        lanes.set(await this.#sum(lanes, terms));
      }
    });
  }

  async close(): Promise<void> {
    await this.#turns.close();
    await this.#host.close();
  }

  /** Each lane a whole number of 32 bits, whose sums wrap; set into lanes of 16 bits they lose the upper half. */
  async #sum(a: ArrayLike<number>, b: ArrayLike<number>): Promise<ArrayLike<number>> {
    const tf = this.#tf;
    const sum = tf.tidy(() => {
      const [x, y] = [a, b].map((lanes) => tf.tensor1d(new Int32Array(lanes), "int32"));
      return tf.add(x!, y!);
    });
    try {
      return await sum.data();
    } finally {
      sum.dispose();
    }
  }
}
