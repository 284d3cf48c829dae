/** A process of its own that does our part once and tells the most memory that it took beside what was there before. */
import { openRingEngine, type SignedStream } from "@bulkhead/compute";

export interface OurMemory {
  /** Peak of the process above its state before the work, in bytes. */
  readonly peak: number;
  /** Of the vector that goes up, in bytes. */
  readonly vector: number;
}

const LANES = 10_000_000;
const SEGMENT = 1_000_000;
const MEMBERS = 10;
const CHUNK = 2 ** 20;
const LARGEST_QUANTUM = 3_276;

const engine = await openRingEngine({ threads: 1 });
const update = Float32Array.from({ length: LANES }, (_, i) => Math.sin(i) / 100);
const chunk = new Uint8Array(CHUNK).fill(7);

/** The system's own peak would have the start of the process in it. */
let peak = 0;
const look = (): void => {
  peak = Math.max(peak, process.memoryUsage.rss());
};

const streamsNamed = (count: number): readonly SignedStream[] =>
  Array.from({ length: count }, (_, i) => ({ key: new Uint8Array(32).fill(i), sign: i % 2 === 0 ? 1 : -1 }));

const before = process.memoryUsage.rss();
const looking = setInterval(look, 2);
const vector = engine.allocate({
  laneBits: 16,
  segmentLanes: Array.from({ length: LANES / SEGMENT }, () => SEGMENT + 16),
});
if (process.argv[2] === "client") {
  const plan = {
    largestQuantum: LARGEST_QUANTUM,
    tensors: [{ length: LANES, scale: LARGEST_QUANTUM / 0.02 }],
  };
  const roundingSeed = new Uint8Array(32);
  await engine.quantise(
    { update, plan, factor: 1, roundingSeed, scalarLanes: () => new Uint32Array() },
    vector,
  );
  await engine.addStreams(vector, streamsNamed(MEMBERS));
} else {
  const survivors = MEMBERS - 1;
  for (let member = 0; member < survivors; member++)
    for (let at = 0; at + CHUNK <= vector.bytes.length; at += CHUNK) await engine.addChunk(vector, at, chunk);
  await engine.addStreams(vector, streamsNamed(2 * survivors));
}
look();
clearInterval(looking);
process.send?.({ peak: peak - before, vector: vector.bytes.length });
await engine.close();
process.disconnect?.();
