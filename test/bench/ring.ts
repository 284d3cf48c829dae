/**
 * What the ring engine does to a vector of ten million lanes, beside the bare keystream:
 * `npx tsx --conditions=bulkhead-src test/bench/ring.ts`. Best and median of seven runs, wall time.
 */
import { openRingEngine, type RingEngine, type SignedStream } from "@bulkhead/compute";
import { openKeystream, segmentNonce } from "@bulkhead/crypto";

const RUNS = 7;
const LANES = 10_000_000;
const SEGMENT = 1_000_000;
const STREAMS = 4;
const PIECE = 64 * 1024;

const secondsOf = async (run: () => Promise<unknown> | void): Promise<readonly number[]> => {
  const seconds: number[] = [];
  for (let i = 0; i <= RUNS; i++) {
    const before = performance.now();
    await run();
    seconds.push((performance.now() - before) / 1_000);
  }
  return seconds.slice(1).toSorted((a, b) => a - b);
};

const report = async (
  name: string,
  unit: string,
  figure: (seconds: number) => number,
  run: () => Promise<unknown> | void,
) => {
  const seconds = await secondsOf(run);
  const [best, median] = [seconds[0]!, seconds[Math.floor(RUNS / 2)]!].map((s) => figure(s).toFixed(2));
  console.log(`${name.padEnd(44)} ${best} best, ${median} median ${unit}`);
};

const gigabytes = (bytes: number) => (seconds: number) => bytes / seconds / 1e9;

const benchEngine = async (engine: RingEngine, laneBits: 16 | 32): Promise<void> => {
  const segmentLanes = Array.from({ length: LANES / SEGMENT }, () => SEGMENT + 16);
  const vector = engine.allocate({ laneBits, segmentLanes });
  const update = Float32Array.from({ length: LANES }, (_, i) => Math.sin(i) / 100);
  const plan = { largestQuantum: 3_276, tensors: [{ length: LANES, scale: 3_276 / 0.02 }] };
  const roundingSeed = new Uint8Array(32);
  const scalarLanes = () => new Uint32Array();
  const streams = Array.from({ length: STREAMS }, (_, i): SignedStream => ({
    key: new Uint8Array(32).fill(i),
    sign: i % 2 === 0 ? 1 : -1,
  }));
  const chunk = new Uint8Array(1024 * 1024);
  await report(
    `quantise, ${laneBits} bits`,
    "ns/param",
    (s) => (s * 1e9) / LANES,
    () => engine.quantise({ update, plan, factor: 1, roundingSeed, scalarLanes }, vector),
  );
  await report(
    `addStreams, ${laneBits} bits, ${STREAMS} streams`,
    "GB/s",
    gigabytes(STREAMS * vector.bytes.length),
    () => engine.addStreams(vector, streams),
  );
  await report(`addChunk, ${laneBits} bits, 1 MiB chunks`, "GB/s", gigabytes(16 * chunk.length), async () => {
    for (let i = 0; i < 16; i++) await engine.addChunk(vector, i * chunk.length, chunk);
  });
};

for (const threads of [1, 2]) {
  const engine = await openRingEngine({ threads });
  console.log(`\n${threads} thread(s)`);
  for (const laneBits of [16, 32] as const) {
    await report("bare keystream, this thread, 64 KiB pieces", "GB/s", gigabytes(80e6), () => {
      const stream = openKeystream({ key: new Uint8Array(32), nonce: segmentNonce(0), offset: 0 });
      for (let at = 0; at < 80e6; at += PIECE) stream.next(PIECE);
    });
    await benchEngine(engine, laneBits);
  }
  await engine.close();
}
