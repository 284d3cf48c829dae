/**
 * What the ring engine takes for the rounds of a client and of a coordinator, beside the keystream that they cannot do
 * without: `npx tsx --conditions=bulkhead-src test/bench/ring.ts [name…]`.
 */
import { fileURLToPath } from "node:url";
import { openRingEngine, type RingEngine, type RingVector, type SignedStream } from "@bulkhead/compute";
import { bareKeystream } from "./bare-keystream.ts";
import { type Bench, rowOf, rowText } from "./paired.ts";

const SEGMENT = 1_000_000;
const CHUNK = 1024 * 1024;
const LARGEST_QUANTUM = 3_276;

const streamsNamed = (count: number): readonly SignedStream[] =>
  Array.from({ length: count }, (_, i) => ({
    key: new Uint8Array(new Uint32Array(8).fill(i).buffer),
    sign: i % 2 === 0 ? 1 : -1,
  }));

const vectorOf = (engine: RingEngine, lanes: number): RingVector =>
  engine.allocate({
    laneBits: 16,
    segmentLanes: Array.from({ length: lanes / SEGMENT }, () => SEGMENT + 16),
  });

const withEngine = async <T>(threads: number, use: (engine: RingEngine) => Promise<T>): Promise<T> => {
  const engine = await openRingEngine({ engine: "cpu", threads });
  try {
    return await use(engine);
  } finally {
    await engine.close();
  }
};

const keystreamAdd: Bench = {
  name: "keystream-add",
  run: () =>
    withEngine(1, (engine) => {
      const vector = vectorOf(engine, 4_000_000);
      const streams = streamsNamed(10);
      const bytes = streams.length * vector.bytes.length;
      return rowOf({
        name: "keystream-add",
        work: () => engine.addStreams(vector, streams),
        baseline: { name: "bare keystream", run: () => bareKeystream(bytes) },
        rate: { unit: "GB/s", units: bytes / 1e9, baselineUnits: bytes / 1e9 },
      });
    }),
};

/** A client encodes its update and masks it with the self mask and one for each of its peers. */
const client = (name: string, members: number, runs: number): Bench => ({
  name,
  run: () =>
    withEngine(1, (engine) => {
      const lanes = 10_000_000;
      const vector = vectorOf(engine, lanes);
      // As trainers give it.
      const update = new Float32Array(new SharedArrayBuffer(4 * lanes));
      for (let i = 0; i < lanes; i++) update[i] = Math.sin(i) / 100;
      const plan = {
        largestQuantum: LARGEST_QUANTUM,
        tensors: [{ length: lanes, scale: LARGEST_QUANTUM / 0.02 }],
      };
      const job = {
        update,
        plan,
        factor: 1,
        roundingSeed: new Uint8Array(32),
        scalarLanes: () => new Uint32Array(),
      };
      const streams = streamsNamed(members);
      return rowOf({
        name,
        work: async () => {
          await engine.quantise(job, vector);
          await engine.addStreams(vector, streams);
        },
        // A mask has two bytes a lane, the dither of the rounding four.
        baseline: { name: "bare keystream", run: () => bareKeystream((2 * members + 4) * lanes) },
        runs,
      });
    }),
});

/** A coordinator adds the vectors of the survivors and takes off their self masks and all masks with those lost. */
const server = (
  name: string,
  shape: { readonly members: number; readonly lost: number; readonly lanes: number },
): Bench => ({
  name,
  run: () =>
    withEngine(1, (engine) => {
      const { members, lost, lanes } = shape;
      const survivors = members - lost;
      const sum = vectorOf(engine, lanes);
      const target = vectorOf(engine, lanes);
      const input = new Uint8Array(sum.bytes.length).fill(7);
      const streams = streamsNamed(survivors + survivors * lost);
      const eachChunk = async (add: (offset: number, chunk: Uint8Array) => unknown): Promise<void> => {
        for (let member = 0; member < survivors; member++)
          for (let at = 0; at < input.length; at += CHUNK) await add(at, input.subarray(at, at + CHUNK));
      };
      return rowOf({
        name,
        work: async () => {
          await eachChunk((offset, chunk) => engine.addChunk(sum, offset, chunk));
          await engine.addStreams(sum, streams);
        },
        baseline: {
          name: "bare keystream and a copy of the input",
          run: async () => {
            await eachChunk((offset, chunk) => target.bytes.set(chunk, offset));
            bareKeystream(streams.length * sum.bytes.length);
          },
        },
      });
    }),
});

const twoWorkers: Bench = {
  name: "two-workers",
  run: () =>
    withEngine(1, (one) =>
      withEngine(2, (two) => {
        const [ofOne, ofTwo] = [vectorOf(one, 4_000_000), vectorOf(two, 4_000_000)];
        const streams = streamsNamed(20);
        const bytes = streams.length * ofOne.bytes.length;
        return rowOf({
          name: "two-workers",
          work: () => two.addStreams(ofTwo, streams),
          baseline: { name: "one worker", run: () => one.addStreams(ofOne, streams) },
          rate: { unit: "GB/s by the clock", units: bytes / 1e9, baselineUnits: bytes / 1e9 },
          clock: "wall",
        });
      }),
    ),
};

export const ringBenches: readonly Bench[] = [
  keystreamAdd,
  client("client-n10", 10, 7),
  client("client-n100", 100, 3),
  server("server-n10", { members: 10, lost: 1, lanes: 10_000_000 }),
  server("server-n100", { members: 100, lost: 10, lanes: 1_000_000 }),
  twoWorkers,
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = process.argv.slice(2);
  for (const bench of ringBenches)
    if (names.length === 0 || names.includes(bench.name)) console.log(rowText(await bench.run()));
}
