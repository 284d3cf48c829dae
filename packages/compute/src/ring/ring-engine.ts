/**
 * The ring engine does all that is done to whole vectors: it encodes updates into lanes, adds mask streams and adds
 * vectors that arrive in chunks, modulo 2^16 or 2^32 and exactly. Its interface is asynchronous and moves no vector,
 * so that an engine may work on threads or on a GPU.
 */

/** Zero lanes before and after the payload of each segment; they show whether masks have cancelled (protocol.md S3). */
export const CHECK_LANES = 8;

export interface RingGeometry {
  readonly laneBits: 16 | 32;
  /** Lanes per segment, check lanes included. Every segment has a keystream of its own. */
  readonly segmentLanes: readonly number[];
}

/** Little-endian lanes in shared memory, segment after segment. Made by an engine and used with that engine alone. */
export interface RingVector extends RingGeometry {
  /** Free to read while no operation on the vector is under way. */
  readonly bytes: Uint8Array;
}

/** Stands for PRG(key, segment): in each segment ChaCha20 under `key` with the segment's nonce, one word a lane. */
export interface SignedStream {
  /** 32 bytes, secret: the caller wipes it when the operation has settled, the engine wipes its copies. */
  readonly key: Uint8Array;
  readonly sign: 1 | -1;
}

/** The public numbers of the encoding, the same for every member. */
export interface QuantiseSpec {
  /** Qmax: no coordinate is encoded beyond it. Fits a lane with its sign. */
  readonly largestQuantum: number;
  /** In the order in which their coordinates stand in the update. */
  readonly tensors: readonly { readonly length: number; readonly scale: number }[];
}

/**
 * Coordinate i of the update, in a tensor with scale s, becomes q = floor(x * (factor * s) + u), clamped to +-Qmax, in
 * payload lane i. The dither u is word i of the keystream of `roundingSeed` with the nonce of {@link ROUNDING_SEGMENT},
 * divided by 2^32: uniform in [0, 1), so that q is right on average, and the same each time.
 */
export interface QuantiseJob {
  /** Unchanged until the operation has settled. One value that is not finite makes it reject. */
  readonly update: Float32Array;
  readonly plan: QuantiseSpec;
  /** The clip factor times k / K. */
  readonly factor: number;
  /** 32 bytes, secret. */
  readonly roundingSeed: Uint8Array;
  /** Gives what stands in the payload lanes after the update's, once it is known how many coordinates were clamped. */
  readonly scalarLanes: (clamped: number) => Uint32Array;
}

/** No vector has so many segments. */
export const ROUNDING_SEGMENT = 0xffff_ffff;

/** For logs and reports: `cpu, 2 threads, WebAssembly SIMD`. */
export const engineText = ({ name, detail }: Pick<RingEngine, "name" | "detail">): string =>
  `${name}, ${detail}`;

/**
 * Operations run one after the other, in the order of the calls; the caller awaits each before it goes on to feed the
 * engine, which is what bounds memory. What an operation was given stays unchanged until it settles. When one rejects
 * because a thread died, the vector's content is lost and the engine is of no further use.
 */
export interface RingEngine {
  readonly name: string;
  /** What of this machine it uses, for a person: `2 threads, WebAssembly SIMD`. */
  readonly detail: string;
  /** All lanes zero. */
  readonly allocate: (geometry: RingGeometry) => RingVector;
  /** Overwrites the whole vector: payload lanes, and zeros in the check lanes. `clamped` counts coordinates. */
  readonly quantise: (job: QuantiseJob, into: RingVector) => Promise<{ readonly clamped: number }>;
  /** Adds the sum of sign * PRG(key, segment) over all streams. */
  readonly addStreams: (target: RingVector, streams: readonly SignedStream[]) => Promise<void>;
  /** Adds the chunk's lanes to those from `byteOffset` on. Rejects unless it holds whole lanes that lie inside. */
  readonly addChunk: (target: RingVector, byteOffset: number, chunk: Uint8Array) => Promise<void>;
  /** The index of the first check lane that is not zero, counted over all lanes; `undefined` if all are. */
  readonly firstNonZeroCheckLane: (target: RingVector) => number | undefined;
  /** Waits for what is under way, then ends; harmless if repeated. */
  readonly close: () => Promise<void>;
}
