/** The guard against slow growth: counts that do not depend on the machine, held to those in test/vectors/counts.ts. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inlineRingEngine, openBackend, type RingEngine } from "@bulkhead/compute";
import { openTrainer } from "@bulkhead/finetune";
import { CHUNK_BYTES, type ClientFrame, type CoordinatorFrame, encodeFrame } from "@bulkhead/protocol";
import { PERSIST_CHANNEL } from "@bulkhead/store";
import { describe, expect, onTestFinished, test } from "vitest";
import { coordinate, memberOf, newFederation } from "../coordinator/federation.ts";
import { randomModel, TINY_EXAMPLES, TINY_TASK, tinyJob } from "../finetune/tiny-classifier.ts";
import { tinyModelFolder } from "../finetune/tiny-model.ts";
import { ROUND_COUNTS, STEP_COUNTS } from "../vectors/counts.ts";
import { countAllocations } from "./allocation-count.ts";

type Counts = Readonly<Record<string, number>>;

/** Every count that has risen, with the old and the new number. */
const expectNoRise = (now: Counts, before: Counts): void => {
  expect(Object.keys(now).toSorted()).toEqual(Object.keys(before).toSorted());
  const risen = Object.entries(now)
    .filter(([name, count]) => count > before[name]!)
    .map(([name, count]) => `${name}: was ${before[name]}, is now ${count}`);
  expect(risen, "see test/vectors/counts.ts").toEqual([]);
};

const MEMBERS = 3;
const LENGTH = 600_000;
/** Larger than the pieces that the ring engine works in: a chunk, an update, a vector. */
const LARGE = 128 * 1024;

/** An engine that tells what it is asked for. */
const countingEngine = (count: (what: string, times: number) => void): RingEngine =>
  new Proxy(inlineRingEngine(), {
    get: (engine, name) => {
      const part: unknown = Reflect.get(engine, name, engine);
      if (typeof part !== "function") return part;
      return (...given: readonly unknown[]): unknown => {
        const [what, times] = asked(name, given);
        if (what !== undefined) count(what, times);
        return Reflect.apply(part, engine, given);
      };
    },
  });

const asked = (
  name: string | symbol,
  [, streams]: readonly unknown[],
): readonly [string | undefined, number] => {
  if (name === "allocate") return ["vectors that the coordinator's engine allocates", 1];
  if (name === "addChunk") return ["chunks that the coordinator adds", 1];
  return name === "addStreams" && Array.isArray(streams)
    ? ["mask streams that the coordinator takes off", streams.length]
    : [undefined, 0];
};

/** What has waited for long is kept without a message that needs it: how often depends on the machine. */
const isByTimer = (): boolean => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 100;
  const { stack = "" } = new Error("asked");
  Error.stackTraceLimit = stackTraceLimit;
  return stack.includes("listOnTimeout");
};

/** A whole job of so many rounds, everything in this process. Of what members say and hear the first one's counts. */
const countsOfJob = async (rounds: number): Promise<Counts> => {
  const federation = newFederation({
    members: MEMBERS,
    rounds,
    length: LENGTH,
    timing: { stageMs: 60_000, trainMs: 60_000 },
  });
  const counts = new Map<string, number>();
  const count = (what: string, times: number) => counts.set(what, (counts.get(what) ?? 0) + times);
  const noteFrame = (way: "up from" | "down to", frame: ClientFrame | CoordinatorFrame): void => {
    count(`messages ${way} one member`, 1);
    const lanes = frame.type === "chunk" && frame.vector !== "model" ? frame.bytes.length : 0;
    const beside = way === "up from" ? "its lanes" : "the sum's lanes";
    count(`bytes ${way} one member beside ${beside}`, encodeFrame(frame).length - lanes);
  };
  const onPersist = () => {
    if (!isByTimer()) count("times that the coordinator waits for its disk", 1 / 2);
  };
  subscribe(PERSIST_CHANNEL, onPersist);
  const allocations = countAllocations(LARGE);
  try {
    const coordinator = await coordinate(federation, {
      engine: countingEngine(count),
      overhear: (frame, from) => from === 1 && noteFrame("up from", frame),
      send: (frame, to) => {
        if (to === 1) noteFrame("down to", frame);
        return [frame];
      },
    });
    for (let place = 1; place <= MEMBERS; place++)
      memberOf(federation, place, { url: () => coordinator.url, chunkBytes: CHUNK_BYTES });
    expect(await coordinator.done).toEqual({ outcome: "done" });
  } finally {
    unsubscribe(PERSIST_CHANNEL, onPersist);
    allocations.stop();
  }
  const inVectors = allocations.bytes() / federation.job.layout.byteLength;
  count("memory allocated in large pieces, in vectors", inVectors);
  return Object.fromEntries(counts);
};

describe("what a round costs", () => {
  test("has not risen", async () => {
    const [one, two] = [await countsOfJob(1), await countsOfJob(2)];
    const counts = Object.entries(two).map(([name, count]) => [name, count - (one[name] ?? 0)] as const);
    // A vector's length is no whole number of pages, and messages of the same form differ by a byte.
    expectNoRise(
      Object.fromEntries(counts.map(([name, count]) => [name, Math.round(count * 10) / 10])),
      ROUND_COUNTS,
    );
  });
});

describe("what a training step costs", () => {
  const kernelsOf = async (localSteps: number) => {
    const folder = tinyModelFolder();
    const trainer = await openTrainer({
      kind: "classifier",
      modelFolder: folder,
      task: TINY_TASK,
      examples: TINY_EXAMPLES,
      backend: "wasm",
    });
    onTestFinished(() => trainer.close());
    const { tf } = await openBackend("wasm");
    const model = await randomModel(folder, TINY_TASK);
    await trainer.train(tinyJob(model, { localSteps: 1 }));
    const before = tf.memory().numTensors;
    const { kernels } = await tf.profile(() => trainer.train(tinyJob(model, { localSteps })).then(() => []));
    return { kernels: kernels.length, "tensors that are kept": tf.memory().numTensors - before };
  };

  test("has not risen", async () => {
    const [few, more] = [await kernelsOf(3), await kernelsOf(4)];
    expectNoRise(
      {
        kernels: more.kernels - few.kernels,
        "tensors that are kept": more["tensors that are kept"],
      },
      STEP_COUNTS,
    );
  });
});
