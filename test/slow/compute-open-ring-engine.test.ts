import { InputError } from "@bulkhead/base";
import {
  type CpuOptions,
  inlineRingEngine,
  type KernelSet,
  openRingEngine,
  type RingEngine,
  type RingEngineCandidate,
  ringEngines,
  ringTools,
  type RingTools,
} from "@bulkhead/compute";
import { describe, expect, test } from "vitest";

/** A real engine under the given name; `spoil` is done to the vector after each operation. */
const engineNamed = (
  name: string,
  spoil: (bytes: Uint8Array) => void = () => {},
  inner = inlineRingEngine(),
): RingEngine => ({
  name,
  detail: inner.detail,
  allocate: (geometry) => inner.allocate(geometry),
  quantise: async (job, into) => {
    const result = await inner.quantise(job, into);
    spoil(into.bytes);
    return result;
  },
  addStreams: async (target, streams) => {
    await inner.addStreams(target, streams);
    spoil(target.bytes);
  },
  addChunk: (target, offset, chunk) => inner.addChunk(target, offset, chunk),
  firstNonZeroCheckLane: (target) => inner.firstNonZeroCheckLane(target),
  close: () => inner.close(),
});

/** Counts how often it was opened and closed. */
const candidate = (open: (options: CpuOptions) => RingEngine) => {
  const counts = { opened: 0, closed: 0 };
  const counted: RingEngineCandidate = {
    name: open({}).name,
    open: (options) => {
      counts.opened += 1;
      const engine = open(options);
      return {
        ...engine,
        close: async () => {
          counts.closed += 1;
          await engine.close();
        },
      };
    },
  };
  return { ...counted, counts };
};

/** Keystream with a wrong bit in each million bytes. */
const corruptTools = (set: KernelSet): RingTools => {
  const tools = ringTools(set);
  let made = 0;
  return {
    ...tools,
    openKeystream: (at) => {
      const stream = tools.openKeystream(at);
      return {
        next: (length) => {
          const bytes = stream.next(length);
          const wrong = 999_999 - (made % 1_000_000);
          if (wrong < length) bytes[wrong]! ^= 128;
          made += length;
          return bytes;
        },
      };
    },
  };
};

const problemOf = async (opening: Promise<RingEngine>): Promise<InputError> => {
  const error: unknown = await opening.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InputError)) throw new Error("an InputError was expected", { cause: error });
  return error;
};

describe("an engine that is wrong is refused at opening, by name:", () => {
  const spoiled = candidate(() =>
    engineNamed("spoiled", (bytes) => {
      for (let lane = 999_999; 2 * lane < bytes.length; lane += 1_000_000) bytes[2 * lane]! ^= 1;
    }),
  );

  test("one lane of a million", async () => {
    const error = await problemOf(openRingEngine({}, [spoiled]));
    expect(error).toMatchObject({ code: "ring-engine-unavailable", place: "ring engine auto" });
    expect(error.message).toContain(
      "spoiled: refused, it fails its self-test: it makes or adds keystream wrongly with lanes of 16 bits",
    );
    expect(spoiled.counts).toEqual({ opened: 1, closed: 1 });
  });

  test("one byte of a million bytes of keystream, on each set of kernels", async () => {
    for (const set of ["simd", "plain"] as const) {
      const corrupt = candidate(() => engineNamed("corrupt", undefined, inlineRingEngine(corruptTools(set))));
      const error = await problemOf(openRingEngine({}, [corrupt]));
      expect(error.message).toContain(
        "corrupt: refused, it fails its self-test: it makes or adds keystream wrongly",
      );
    }
  });

  test("another one that is right is taken instead", async () => {
    const right = candidate(() => engineNamed("right"));
    const engine = await openRingEngine({}, [spoiled, right]);
    expect(engine.name).toBe("right");
    expect(right.counts).toEqual({ opened: 1, closed: 0 });
  });
});

test("auto takes the fastest, closes the others and remembers", async () => {
  const slow = candidate(() => {
    const engine = engineNamed("slow");
    return {
      ...engine,
      addStreams: async (target, streams) => {
        await engine.addStreams(target, streams);
        await new Promise((resolve) => setTimeout(resolve, 100));
      },
    };
  });
  const fast = candidate(() => engineNamed("fast"));
  const candidates = [slow, fast];
  expect((await openRingEngine({}, candidates)).name).toBe("fast");
  expect((await openRingEngine({ engine: "auto" }, candidates)).name).toBe("fast");
  expect([slow.counts, fast.counts]).toEqual([
    { opened: 1, closed: 1 },
    { opened: 2, closed: 0 },
  ]);
});

test("an engine that there is not is refused with the names of those that there are", async () => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as a word of the command line comes
  const error = await problemOf(openRingEngine({ engine: "gpu" as "cpu" }));
  expect(error).toMatchObject({
    code: "ring-engine-unknown",
    cure: "choose one of auto, cpu, webgpu, tensorflow",
  });
});

test("the list of engines says of each how fast it is, or why it cannot be used", async () => {
  const absent: RingEngineCandidate = {
    name: "absent",
    open: () => {
      throw new Error("there is no such device\nat line 1");
    },
  };
  const there = candidate(() => engineNamed("there"));
  expect(await ringEngines({}, [absent, there])).toEqual([
    { name: "absent", usable: false, why: "there is no such device" },
    {
      name: "there",
      usable: true,
      detail: "the caller's thread, WebAssembly SIMD",
      gigabytesPerSecond: expect.any(Number),
    },
  ]);
  expect(there.counts).toEqual({ opened: 1, closed: 1 });
});

test("the engine of this machine opens by its name", async () => {
  const engine = await openRingEngine({ engine: "cpu", threads: 1 });
  expect(engine.name).toBe("cpu");
  await engine.close();
});

test("the engine that adds in tensors opens where it is named, on the best backend there is", async () => {
  const engine = await openRingEngine({ engine: "tensorflow", threads: 1 });
  expect(engine.name).toBe("tensorflow");
  expect(engine.detail).toMatch(/^backend (?:tensorflow, TensorFlow|(?:webgpu|wasm|cpu), tfjs) /u);
  await engine.close();
});
