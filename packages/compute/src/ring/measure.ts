/** How fast a ring engine is, in a few milliseconds of the work that takes a round longest. */
import type { RingEngine, SignedStream } from "./ring-engine.ts";

const LANES = 1_000_000;
const RUNS = 3;
const STREAMS: readonly SignedStream[] = [1, 2].map((name) => ({
  key: new Uint8Array(32).fill(name),
  sign: 1,
}));

/** Bytes of keystream made and added in a nanosecond, in the best of a few runs: GB/s, wall time. */
export const measureRingEngine = async (engine: RingEngine): Promise<number> => {
  const vector = engine.allocate({ laneBits: 16, segmentLanes: [LANES] });
  let best = Infinity;
  for (let run = 0; run < RUNS; run++) {
    const before = performance.now();
    await engine.addStreams(vector, STREAMS);
    best = Math.min(best, performance.now() - before);
  }
  return (STREAMS.length * vector.bytes.length) / best / 1e6;
};
