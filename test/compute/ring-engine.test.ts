import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  CHECK_LANES,
  cpuRingEngine,
  inlineRingEngine,
  openTensorflowRingEngine,
  type QuantiseJob,
  type RingEngine,
  type RingGeometry,
  ringSelfTest,
  ringTools,
  type RingVector,
  type SignedStream,
} from "@bulkhead/compute";
import { bytesToHex } from "@bulkhead/base";
import { keystream, segmentNonce } from "@bulkhead/crypto";
import { afterAll, describe, expect, test } from "vitest";
import { slowKeystream } from "../reference/chacha20.ts";
import { slowRingEngine } from "../reference/ring.ts";

const key = (name: number): Uint8Array => new Uint8Array(32).fill(name);

/** Bytes that repeat with their name. */
const bytes = (name: number, length: number): Uint8Array =>
  keystream({ key: key(name), nonce: segmentNonce(9), offset: 0 }, length);

const GEOMETRIES: readonly RingGeometry[] = ([16, 32] as const).flatMap((laneBits) =>
  [[17], [33, 17, 40], [1_000, 19], [33_003, 17, 4_096]].map((segmentLanes) => ({ laneBits, segmentLanes })),
);

const STREAMS: readonly SignedStream[] = [1, 2, 3, 4].map((name) => ({
  key: key(name),
  sign: name % 2 === 0 ? -1 : 1,
}));

const payloadLanes = ({ segmentLanes }: RingGeometry): number =>
  segmentLanes.reduce((sum, lanes) => sum + lanes - 2 * CHECK_LANES, 0);

/** An update with small, huge and edge values over two tensors that fill the payload up to one scalar lane. */
const job = (geometry: RingGeometry): QuantiseJob => {
  const length = payloadLanes(geometry) - 1;
  const largestQuantum = geometry.laneBits === 16 ? 3_276 : 214_748_364;
  const first = Math.floor(length / 3);
  const view = new DataView(bytes(7, 4 * length + 4).buffer);
  return {
    update: Float32Array.from({ length }, (_, i) => view.getInt32(4 * i, true) / 2 ** (20 + (i % 12))),
    plan: {
      largestQuantum,
      tensors: [
        { length: first, scale: largestQuantum / 700 },
        { length: length - first, scale: largestQuantum / 64 },
      ],
    },
    factor: 0.375,
    roundingSeed: key(8),
    scalarLanes: () => Uint32Array.of(65_535),
  };
};

const slow = slowRingEngine();
const engines: readonly RingEngine[] = [
  inlineRingEngine(),
  inlineRingEngine(ringTools("plain")),
  cpuRingEngine({ threads: 2 }),
  cpuRingEngine({ threads: 1, kernels: "plain" }),
  await openTensorflowRingEngine({ host: inlineRingEngine, backend: "cpu" }),
];
const TWO_THREADS = engines[2]!;
afterAll(async () => {
  for (const engine of engines) await engine.close();
});

test("what an engine uses of the machine is said", () => {
  expect(engines.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([
    "inline: the caller's thread, WebAssembly SIMD",
    "inline: the caller's thread, plain kernels",
    "cpu: 2 threads, WebAssembly SIMD",
    "cpu: 1 thread, plain kernels",
    "tensorflow: backend cpu, tfjs 4.22.0",
  ]);
});

describe("every engine does what the slow twin does:", () => {
  /** Does the same with all engines; their vectors and results are the slow twin's. */
  const compare = async <T>(
    geometry: RingGeometry,
    act: (on: RingEngine, vector: RingVector) => Promise<T>,
  ): Promise<T> => {
    const wantedVector = slow.allocate(geometry);
    const wanted = await act(slow, wantedVector);
    for (const engine of engines) {
      const vector = engine.allocate(geometry);
      expect(await act(engine, vector)).toEqual(wanted);
      expect(Buffer.compare(vector.bytes, wantedVector.bytes)).toBe(0);
    }
    return wanted;
  };

  test.each(GEOMETRIES)("streams are added: $laneBits bits, $segmentLanes", async (geometry) => {
    await compare(geometry, (on, vector) => on.addStreams(vector, STREAMS));
  });

  test.each(GEOMETRIES)("an update is encoded: $laneBits bits, $segmentLanes", async (geometry) => {
    const { clamped } = await compare(geometry, async (on, vector) => {
      vector.bytes.fill(255);
      return on.quantise(job(geometry), vector);
    });
    if (payloadLanes(geometry) > 100) expect(clamped).toBeGreaterThan(0);
  });

  test.each(GEOMETRIES)("chunks are added: $laneBits bits, $segmentLanes", async (geometry) => {
    await compare(geometry, async (on, vector) => {
      const width = geometry.laneBits / 8;
      await on.addChunk(vector, 0, bytes(5, vector.bytes.length));
      await on.addChunk(vector, 0, bytes(4, vector.bytes.length));
      await on.addChunk(vector, width, bytes(6, 3 * width));
      await on.addChunk(vector, vector.bytes.length - width, bytes(4, width));
      await on.addChunk(vector, vector.bytes.length, new Uint8Array());
      // Network buffers start anywhere.
      await on.addChunk(vector, 5 * width, bytes(3, 8 * width + 1).subarray(1));
    });
  });

  test("operations that are not awaited run in the order of the calls", async () => {
    await compare({ laneBits: 16, segmentLanes: [33_000] }, async (on, vector) => {
      await Promise.all([
        on.addChunk(vector, 0, bytes(1, 66_000)),
        on.quantise(job(vector), vector),
        on.addStreams(vector, STREAMS.slice(0, 1)),
        on.addChunk(vector, 2, bytes(2, 50_000)),
      ]);
    });
  });
});

describe.each(engines.map((engine) => [`${engine.name}, ${engine.detail}`, engine] as const))(
  "the ring engine %s",
  (_name, engine) => {
    test("a new vector is zero and stands in shared memory", () => {
      const vector = engine.allocate({ laneBits: 16, segmentLanes: [17, 20] });
      expect(vector.bytes).toEqual(new Uint8Array(74));
      expect(vector.bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
    });

    test("it gives its known answers", async () => {
      expect(await ringSelfTest(engine)).toBeUndefined();
    });

    test("a chunk longer than the stage is added whole", async () => {
      const geometry: RingGeometry = { laneBits: 16, segmentLanes: [700_000] };
      const vector = engine.allocate(geometry);
      const chunk = bytes(1, 1_400_000);
      await engine.addChunk(vector, 0, chunk);
      expect(Buffer.compare(vector.bytes, chunk)).toBe(0);
    });

    test("an update longer than the stage is encoded whole", async () => {
      const length = 300_000;
      const geometry: RingGeometry = { laneBits: 32, segmentLanes: [length + 17] };
      const vector = engine.allocate(geometry);
      const update = Float32Array.from({ length }, (_, i) => i);
      const plan = { largestQuantum: 2 ** 20, tensors: [{ length, scale: 1 }] };
      const once = { update, plan, factor: 1, roundingSeed: key(1), scalarLanes: () => Uint32Array.of(9) };
      await engine.quantise(once, vector);
      const lanes = new Uint32Array(vector.bytes.buffer);
      // Whole numbers have nothing to round.
      expect(lanes.findIndex((lane, i) => i >= 8 && i < length + 8 && lane !== i - 8)).toBe(-1);
      expect(lanes[length + 8]).toBe(9);
    });

    test("more streams than are open at once, half of them the opposite of the others, leave nothing", async () => {
      const vector = engine.allocate({ laneBits: 16, segmentLanes: [333, 20_000] });
      const plus = Array.from({ length: 90 }, (_, i): SignedStream => ({ key: key(i), sign: 1 }));
      await engine.addStreams(vector, plus);
      expect(engine.firstNonZeroCheckLane(vector)).toBe(0);
      await engine.addStreams(
        vector,
        plus.map((stream) => ({ ...stream, sign: -1 as const })),
      );
      expect(vector.bytes.every((byte) => byte === 0)).toBe(true);
    });

    test.each([0, 7, 9, 20, 30, 31])("a wrong check lane is found: lane %i", (lane) => {
      const vector = engine.allocate({ laneBits: 16, segmentLanes: [18, 20] });
      const lanes = new Uint16Array(vector.bytes.buffer);
      lanes.fill(1, 8, 10);
      lanes.fill(1, 26, 30);
      expect(engine.firstNonZeroCheckLane(vector)).toBeUndefined();
      lanes[lane] = 1;
      expect(engine.firstNonZeroCheckLane(vector)).toBe(
        lane < 8 || (lane > 9 && lane < 26) || lane > 29 ? lane : undefined,
      );
    });

    test.each([
      [16, 1, 4],
      [16, 2, 3],
      [32, 2, 4],
      [32, 4, 6],
      [16, -2, 4],
      [16, 34, 2],
      [16, 32, 4],
      [16, Number.NaN, 2],
    ] as const)(
      "a chunk that is not whole lanes inside the vector is refused: %i bits, %d + %d",
      async (laneBits, offset, length) => {
        const vector = engine.allocate({ laneBits, segmentLanes: [17] });
        await expect(engine.addChunk(vector, offset, new Uint8Array(length))).rejects.toThrow(RangeError);
        expect(vector.bytes.every((byte) => byte === 0)).toBe(true);
      },
    );

    test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
      "an update with %d is refused",
      async (value) => {
        const vector = engine.allocate({ laneBits: 16, segmentLanes: [1_000] });
        const given = job(vector);
        given.update[77] = value;
        await expect(engine.quantise(given, vector)).rejects.toThrow("not finite");
        // The engine goes on.
        await engine.quantise(job(vector), vector);
      },
    );

    test("jobs and keys of the wrong size are refused", async () => {
      const vector = engine.allocate({ laneBits: 16, segmentLanes: [100] });
      const given = job(vector);
      const refused = [
        engine.addStreams(vector, [{ key: new Uint8Array(31), sign: 1 }]),
        engine.quantise({ ...given, roundingSeed: new Uint8Array(16) }, vector),
        engine.quantise({ ...given, update: given.update.subarray(1) }, vector),
        engine.quantise({ ...given, scalarLanes: () => new Uint32Array(2) }, vector),
        engine.quantise({ ...given, factor: Number.NaN }, vector),
      ];
      for (const promise of refused) await expect(promise).rejects.toThrow("broken invariant");
      expect(() => engine.allocate({ laneBits: 16, segmentLanes: [16] })).toThrow("broken invariant");
      expect(() => engine.allocate({ laneBits: 16, segmentLanes: [] })).toThrow("broken invariant");
    });

    test("it does not change what it is given", async () => {
      const vector = engine.allocate({ laneBits: 16, segmentLanes: [400] });
      const given = job(vector);
      const before = structuredClone({ update: given.update, seed: given.roundingSeed });
      const streams = structuredClone(STREAMS);
      await engine.quantise(given, vector);
      await engine.addStreams(vector, streams);
      expect({ update: given.update, seed: given.roundingSeed }).toEqual(before);
      expect(streams).toEqual(STREAMS);
    });
  },
);

/** The blocks of RFC 8439, appendix A.1, whose nonce is that of segment 0: key, block, keystream. */
const RFC_8439 = [
  [
    "00".repeat(32),
    0,
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586",
  ],
  [
    "00".repeat(32),
    1,
    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f",
  ],
  [
    `${"00".repeat(31)}01`,
    1,
    "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0",
  ],
  [
    `00ff${"00".repeat(30)}`,
    2,
    "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096",
  ],
] as const;

test.each(RFC_8439)("a stream is that of RFC 8439: key %s, block %i", async (keyText, block, wanted) => {
  for (const engine of engines)
    for (const laneBits of [16, 32] as const) {
      const vector = engine.allocate({ laneBits, segmentLanes: [40_000] });
      await engine.addStreams(vector, [{ key: Uint8Array.from(Buffer.from(keyText, "hex")), sign: 1 }]);
      expect(bytesToHex(vector.bytes.slice(64 * block, 64 * (block + 1)))).toBe(wanted);
    }
});

test("a stream goes on at any byte of a block where another thread takes over", async () => {
  for (let lead = 17; lead < 17 + 32; lead++) {
    const vector = TWO_THREADS.allocate({ laneBits: 16, segmentLanes: [lead, 34_000] });
    await TWO_THREADS.addStreams(vector, [{ key: key(1), sign: 1 }]);
    const middle = Math.floor((lead + 34_000) / 2 / 32) * 32;
    for (const at of [lead, middle - 40, middle, lead + 34_000 - 40]) {
      const offset = 2 * (at - lead);
      const wanted = slowKeystream({ key: key(1), nonce: segmentNonce(1), offset }, 80);
      expect(vector.bytes.slice(2 * at, 2 * at + 80)).toEqual(wanted);
    }
  }
});

const collectGarbage = (): void => {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("there is no gc");
  collect();
  // The memory of buffers is freed beside the first, and has been by the end of the second.
  collect();
};

test("memory for all that is done to a vector is the same whatever the count of streams and chunks", async () => {
  const length = 1_000_000;
  const update = new Float32Array(length).fill(0.5);
  const chunk = bytes(1, 2 ** 20);
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const tools = ringTools();
  const engine = inlineRingEngine({
    ...tools,
    openKeystream: (at) => {
      const stream = tools.openKeystream(at);
      return {
        next: (count) => {
          most = Math.max(most, process.memoryUsage().arrayBuffers - before);
          return stream.next(count);
        },
      };
    },
  });
  const vector = engine.allocate({ laneBits: 16, segmentLanes: [length + 2 * CHECK_LANES] });
  const plan = { largestQuantum: 3_276, tensors: [{ length, scale: 1 }] };
  const scalarLanes = () => new Uint32Array();
  await engine.quantise({ update, plan, factor: 1, roundingSeed: key(1), scalarLanes }, vector);
  await engine.addStreams(
    vector,
    Array.from({ length: 20 }, (_, i): SignedStream => ({ key: key(i), sign: 1 })),
  );
  for (let i = 0; i < 100; i++) await engine.addChunk(vector, 0, chunk);
  most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  // Beside the vector less than a megabyte, for pieces of keystream: with its update a client holds 1.75 of that.
  expect(most).toBeGreaterThanOrEqual(vector.bytes.length);
  expect(most).toBeLessThan(vector.bytes.length + 1_000_000);
});

test("a closed engine refuses work, and closing again is harmless", async () => {
  const engine = cpuRingEngine({ threads: 1 });
  const vector = engine.allocate({ laneBits: 16, segmentLanes: [20] });
  const underWay = engine.addStreams(vector, STREAMS);
  await engine.close();
  await underWay;
  await engine.close();
  await expect(engine.addStreams(vector, STREAMS)).rejects.toThrow("closed");
});
