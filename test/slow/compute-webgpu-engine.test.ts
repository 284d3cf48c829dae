import {
  inlineRingEngine,
  openWebgpuRingEngine,
  type RingEngine,
  type RingGeometry,
  ringSelfTest,
  type SignedStream,
} from "@bulkhead/compute";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { slowRingEngine } from "../reference/ring.ts";
import { hasSwiftShader, SWIFTSHADER_REASON, withSwiftShader } from "../swiftshader.ts";

const open = (host: () => RingEngine = inlineRingEngine, software = true) =>
  withSwiftShader(() => openWebgpuRingEngine({ host, software }));

const streams = (count: number): readonly SignedStream[] =>
  Array.from({ length: count }, (_stream, i) => ({
    key: Uint8Array.from({ length: 32 }, (_byte, at) => (i * 37 + at * 11) % 256),
    sign: i % 3 === 1 ? -1 : 1,
  }));

const opposite = (of: readonly SignedStream[]): readonly SignedStream[] =>
  of.map((stream) => ({ ...stream, sign: stream.sign === 1 ? -1 : 1 }));

/** [RFC 8439, appendix A.1], the vectors whose nonce is zero, which is that of segment 0. */
const VECTORS = [
  {
    key: new Uint8Array(32),
    block: 0,
    words:
      "ade0b876 903df1a0 e56a5d40 28bd8653 b819d2bd 1aed8da0 ccef36a8 c70d778b 7c5941da 8d485751 3fe02477 374ad8b8 f4b8436a 1ca11815 69b687c3 8665eeb2",
  },
  {
    key: new Uint8Array(32),
    block: 1,
    words:
      "bee7079f 7a385155 7c97ba98 0d082d73 a0290fcb 6965e348 3e53c612 ed7aee32 7621b729 434ee69c b03371d5 d539d874 281fed31 45fb0a51 1f0ae1ac 6f4d794b",
  },
  {
    key: Uint8Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 : 0)),
    block: 1,
    words:
      "2452eb3a 9249f8ec 8d829d9b ddd4ceb1 e8252083 60818b01 f38422b8 5aaa49c9 bb00ca8e da3ba7b4 c4b592d1 fdf2732f 4436274e 2561b3c8 ebdd4aa6 a0136c00",
  },
  {
    key: Uint8Array.from({ length: 32 }, (_, i) => (i === 1 ? 0xff : 0)),
    block: 2,
    words:
      "fb4dd572 4bc42ef1 df922636 327f1394 a78dea8f 5e269039 a1bebbc1 caf09aae a25ab213 48a6b46c 1b9d9bcb 092c5be6 546ca624 1bec45d5 87f47473 96f0992e",
  },
] as const;

const GEOMETRIES: readonly RingGeometry[] = ([16, 32] as const).flatMap((laneBits) =>
  [[17], [33, 17, 40], [1_000, 19, 257]].map((segmentLanes) => ({ laneBits, segmentLanes })),
);

describe.skipIf(!hasSwiftShader)(`the ring engine on a GPU${SWIFTSHADER_REASON}`, () => {
  const slow = slowRingEngine();
  const host = inlineRingEngine();
  let engine: RingEngine;
  beforeAll(async () => {
    engine = await open();
  }, 60_000);
  afterAll(() => engine?.close());

  test("it passes the known answers", async () => {
    expect(await ringSelfTest(engine)).toBeUndefined();
  });

  test.each(VECTORS)("its keystream is that of RFC 8439: block $block", async ({ key, block, words }) => {
    const vector = engine.allocate({ laneBits: 32, segmentLanes: [64] });
    await engine.addStreams(vector, [{ key, sign: 1 }]);
    const lanes = new Uint32Array(vector.bytes.buffer, 64 * block, 16);
    expect(Array.from(lanes, (word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(words);
  });

  test.each(GEOMETRIES)(
    "streams are added as the slow twin does: $laneBits bits, $segmentLanes",
    async (geometry) => {
      const [vector, wanted] = [engine.allocate(geometry), slow.allocate(geometry)];
      for (const of of [vector, wanted]) of.bytes.fill(251);
      await engine.addStreams(vector, streams(4));
      await slow.addStreams(wanted, streams(4));
      expect(Buffer.compare(vector.bytes, wanted.bytes)).toBe(0);
    },
  );

  test.each([
    { what: "more streams than one dispatch adds", count: 300, segmentLanes: [100, 40] },
    { what: "more streams than one pass adds", count: 4_100, segmentLanes: [17] },
    {
      what: "more segments than a piece has dispatches",
      count: 3,
      segmentLanes: Array<number>(300).fill(17),
    },
    { what: "more lanes than two pieces hold", count: 2, segmentLanes: [140_001, 17, 150_000] },
    { what: "no stream", count: 0, segmentLanes: [17] },
  ])("$what", async ({ count, segmentLanes }) => {
    const [vector, wanted] = [0, 1].map(() => engine.allocate({ laneBits: 16, segmentLanes }));
    await engine.addStreams(vector!, streams(count));
    await host.addStreams(wanted!, streams(count));
    expect(Buffer.compare(vector!.bytes, wanted!.bytes)).toBe(0);
    await host.addStreams(vector!, opposite(streams(count)));
    expect(vector!.bytes.every((byte) => byte === 0)).toBe(true);
  });

  test("an update is encoded, chunks are added and check lanes are found as on the processor", async () => {
    const geometry: RingGeometry = { laneBits: 16, segmentLanes: [60, 50] };
    const job = {
      update: Float32Array.from({ length: 77 }, (_, i) => Math.sin(i) * 40),
      plan: { largestQuantum: 3_276, tensors: [{ length: 77, scale: 123.456 }] },
      factor: 0.77,
      roundingSeed: new Uint8Array(32).fill(5),
      scalarLanes: () => Uint32Array.of(7),
    };
    const [vector, wanted] = [engine.allocate(geometry), slow.allocate(geometry)];
    // Not awaited one by one: operations run in the order of the calls.
    const here = [
      engine.addStreams(vector, streams(1)),
      engine.quantise(job, vector),
      engine.addChunk(vector, 6, Uint8Array.of(1, 2, 3, 4)),
      engine.addStreams(vector, streams(2)),
    ];
    await slow.quantise(job, wanted);
    await slow.addChunk(wanted, 6, Uint8Array.of(1, 2, 3, 4));
    await slow.addStreams(wanted, streams(2));
    await Promise.all(here);
    expect(Buffer.compare(vector.bytes, wanted.bytes)).toBe(0);
    expect(engine.firstNonZeroCheckLane(vector)).toBe(slow.firstNonZeroCheckLane(wanted));
  });

  test("keys of the wrong size are refused, and the engine goes on", async () => {
    const vector = engine.allocate({ laneBits: 16, segmentLanes: [20] });
    await expect(engine.addStreams(vector, [{ key: new Uint8Array(31), sign: 1 }])).rejects.toThrow(
      "broken invariant",
    );
    await engine.addStreams(vector, streams(2));
    await engine.addStreams(vector, opposite(streams(2)));
    expect(vector.bytes.every((byte) => byte === 0)).toBe(true);
  });

  test("a software renderer is refused unless it is asked for", async () => {
    await expect(open(inlineRingEngine, false)).rejects.toThrow(
      /swiftshader.* is a software renderer: `cpu` is faster/iu,
    );
  });

  test("an engine that is wrong in one lane is refused at opening, by name, and its host is closed", async () => {
    const right = inlineRingEngine();
    const wrong: RingEngine = {
      ...slowRingEngine(),
      allocate: (geometry) => right.allocate(geometry),
      addStreams: (target, added) => right.addStreams(target, added),
      addChunk: async (target, byteOffset, chunk) => {
        const corrupted = Uint8Array.from(chunk);
        corrupted[corrupted.length - 40]! ^= 1;
        await right.addChunk(target, byteOffset, corrupted);
      },
      close: () => right.close(),
    };
    await expect(open(() => wrong)).rejects.toThrow(
      'ring engine "webgpu" is not exact on this machine: wrong at 16 bits',
    );
    await expect(right.addStreams(right.allocate({ laneBits: 16, segmentLanes: [17] }), [])).rejects.toThrow(
      "closed",
    );
  });

  test("a closed engine refuses work, and closing again is harmless", async () => {
    const closed = await open();
    const vector = closed.allocate({ laneBits: 16, segmentLanes: [20] });
    const underWay = closed.addStreams(vector, streams(2));
    await closed.close();
    await underWay;
    await closed.close();
    await expect(closed.addStreams(vector, streams(1))).rejects.toThrow("closed");
  });
});
