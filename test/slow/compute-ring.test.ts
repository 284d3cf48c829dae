import {
  inlineRingEngine,
  openRingEngine,
  type RingEngine,
  ringTools,
  type RingVector,
  type SignedStream,
} from "@bulkhead/compute";
import fc from "fast-check";
import { expect, test } from "vitest";
import { runToEnd } from "../launch.ts";
import { slowRingEngine } from "../reference/ring.ts";

type Operation = (engine: RingEngine, vector: RingVector) => Promise<unknown>;

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });

const operations = (laneBits: 16 | 32, segmentLanes: readonly number[]): fc.Arbitrary<Operation> => {
  const width = laneBits / 8;
  const lanes = segmentLanes.reduce((sum, count) => sum + count);
  const payload = lanes - 16 * segmentLanes.length;
  return fc.oneof(
    fc.array(fc.record({ key, sign: fc.constantFrom(1 as const, -1 as const) }), { maxLength: 4 }).map(
      (streams): Operation =>
        (engine, vector) =>
          engine.addStreams(vector, streams),
    ),
    fc
      .record({
        from: fc.nat(lanes),
        length: fc.nat(300),
        lead: fc.nat(5),
        fill: fc.infiniteStream(fc.nat(255)),
      })
      .map(({ from, length, lead, fill }): Operation => {
        const size = Math.min(length, lanes - from) * width;
        const chunk = Uint8Array.from({ length: lead + size }, () => fill.next().value).subarray(lead);
        return (engine, vector) => engine.addChunk(vector, from * width, chunk);
      }),
    fc
      .record({
        values: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -50, max: 50 }), {
          minLength: payload,
          maxLength: payload,
        }),
        scalars: fc.nat(payload - 1),
        border: fc.double({ min: 0, max: 1, noNaN: true }),
        roundingSeed: key,
      })
      .map(({ values, scalars, border, roundingSeed }): Operation => {
        const update = Float32Array.from(values.slice(scalars));
        const first = Math.floor(border * update.length);
        const plan = {
          largestQuantum: 3_276,
          tensors: [
            { length: first, scale: 100 },
            { length: update.length - first, scale: 0.3 },
          ],
        };
        const scalarLanes = (clamped: number) => new Uint32Array(scalars).fill(clamped);
        return (engine, vector) =>
          engine.quantise({ update, plan, factor: 0.9, roundingSeed, scalarLanes }, vector);
      }),
  );
};

const stories = fc
  .record({
    laneBits: fc.constantFrom(16 as const, 32 as const),
    segmentLanes: fc.array(fc.integer({ min: 17, max: 150 }), { minLength: 1, maxLength: 5 }),
  })
  .chain((geometry) =>
    fc.record({
      geometry: fc.constant(geometry),
      operations: fc.array(operations(geometry.laneBits, geometry.segmentLanes), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  );

test("any operations in any order leave what the slow twin has, on threads and inline", async () => {
  const slow = slowRingEngine();
  const engines = [
    inlineRingEngine(),
    inlineRingEngine(ringTools("plain")),
    await openRingEngine({ threads: 2 }),
  ];
  await fc.assert(
    fc.asyncProperty(stories, async ({ geometry, operations: story }) => {
      const wanted = slow.allocate(geometry);
      const results = [];
      for (const operation of story) results.push(await operation(slow, wanted));
      for (const engine of engines) {
        const vector = engine.allocate(geometry);
        expect(await Promise.all(story.map((operation) => operation(engine, vector)))).toEqual(results);
        expect(Buffer.compare(vector.bytes, wanted.bytes)).toBe(0);
        expect(engine.firstNonZeroCheckLane(vector)).toBe(slow.firstNonZeroCheckLane(wanted));
      }
    }),
    { numRuns: 200, seed: 1 },
  );
  for (const engine of engines) await engine.close();
});

test("memory stays bounded whatever the count of streams: 1 GB of keystream into 20 MB", async () => {
  const engine = await openRingEngine({ threads: 2 });
  const vector = engine.allocate({ laneBits: 16, segmentLanes: Array.from({ length: 10 }, () => 1_000_000) });
  const streams = Array.from({ length: 50 }, (_, i): SignedStream => ({
    key: new Uint8Array(32).fill(i),
    sign: i % 2 === 0 ? 1 : -1,
  }));
  vector.bytes.fill(1);
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  await engine.addStreams(vector, streams);
  clearInterval(watch);
  expect(most - before).toBeLessThan(150e6);
  // The same streams with the other signs bring back what was there.
  await engine.addStreams(
    vector,
    streams.map((stream) => ({ ...stream, sign: stream.sign === 1 ? -1 : 1 })),
  );
  expect(vector.bytes.every((byte) => byte === 1)).toBe(true);
  await engine.close();
});

test("an engine that nobody closes does not keep its process alive", async () => {
  const program = new URL("../compute/programs/idle-engine.ts", import.meta.url);
  expect(await runToEnd(program, [])).toEqual({ ended: 0, stdout: "added\n", stderr: "" });
});

test("where there is no WebAssembly, the plain kernels give the known answers", async () => {
  const program = new URL("../compute/programs/engine-detail.ts", import.meta.url);
  const detail = async (env = {}) => (await runToEnd(program, [], { env })).stdout.trim();
  expect(await detail({ NODE_OPTIONS: "--jitless" })).toBe("1 thread, plain kernels");
  expect(await detail()).toBe("1 thread, WebAssembly SIMD");
});
