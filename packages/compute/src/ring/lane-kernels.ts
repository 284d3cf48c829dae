/**
 * The inner loops of the ring engine, over pieces that stay in the cache. There are two sets, with the same results in
 * every bit: SIMD in WebAssembly, and plain typed arrays where there is none.
 */
/** Keystream is made and used in pieces of so many bytes, so that piece and target stay in the cache. */
export const PIECE = 64 * 1024;

/** Where `sign` times a run of lanes comes from, part by part. */
export interface Term {
  readonly sign: 1 | -1;
  /** The next bytes; they are read before the next call. */
  readonly next: (length: number) => Uint8Array;
}

export interface EncodeRun {
  /** At most a quarter of {@link PIECE}. */
  readonly values: Float32Array;
  /** A word for each value. */
  readonly dither: Uint8Array;
  /** Lanes of the vector, one for each value. */
  readonly lanes: Uint8Array;
  readonly multiplier: number;
  readonly largest: number;
}

export interface LaneKernels {
  readonly name: KernelSet;
  /** Adds the next lanes of each term to `target`: whole lanes, at most {@link PIECE} bytes. */
  readonly addTerms: (laneBits: 16 | 32, target: Uint8Array, terms: readonly Term[]) => void;
  /** Gives the count of clamped values; throws where one is not finite. */
  readonly encode: (laneBits: 16 | 32, run: EncodeRun) => number;
}

export type KernelSet = "simd" | "plain";
