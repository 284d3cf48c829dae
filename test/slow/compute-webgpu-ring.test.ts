/** That nothing of a key is left on the GPU, whose buffers are read back, and what a GPU does to its process. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  inlineRingEngine,
  openWebgpuRingEngine,
  type RingEngine,
  type SignedStream,
} from "@bulkhead/compute";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { dawnClasses, hasSwiftShader, SWIFTSHADER_REASON, withSwiftShader } from "../swiftshader.ts";

/** As WebGPU numbers them. */
const USAGE = { mapRead: 1, copySource: 4, copyTarget: 8, uniform: 64 };

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => 200 - 3 * i);
const STREAMS: readonly SignedStream[] = [
  { key: SECRET, sign: 1 },
  { key: new Uint8Array(32).fill(9), sign: -1 },
];

describe.skipIf(!hasSwiftShader)(`keys on a GPU${SWIFTSHADER_REASON}`, () => {
  const buffers: GPUBuffer[] = [];
  const mapped = new Map<GPUBuffer, Uint8Array>();
  const devices = new Set<GPUDevice>();
  let engine: RingEngine;
  /** What happens in the middle of an operation, between two pieces of a sum. */
  let midway: () => Promise<void> = async () => {};

  beforeAll(async () => {
    const { GPUDevice, GPUBuffer } = await dawnClasses();
    // oxlint-disable-next-line typescript/unbound-method -- called with its own object below
    const { createBuffer } = GPUDevice.prototype;
    vi.spyOn(GPUDevice.prototype, "createBuffer").mockImplementation(function (this: GPUDevice, descriptor) {
      devices.add(this);
      const { usage } = descriptor;
      const readable = (usage & USAGE.mapRead) === 0 ? usage | USAGE.copySource : usage;
      const buffer = createBuffer.call(this, { ...descriptor, usage: readable });
      buffers.push(buffer);
      return buffer;
    });
    // oxlint-disable-next-line typescript/unbound-method -- called with its own object below
    const { getMappedRange } = GPUBuffer.prototype;
    vi.spyOn(GPUBuffer.prototype, "getMappedRange").mockImplementation(function (this: GPUBuffer, ...range) {
      const bytes = getMappedRange.apply(this, range);
      mapped.set(this, new Uint8Array(bytes));
      return bytes;
    });
    const host = inlineRingEngine();
    const watched: RingEngine = {
      name: "watched",
      detail: host.detail,
      allocate: (geometry) => host.allocate(geometry),
      addStreams: (target, streams) => host.addStreams(target, streams),
      quantise: (job, into) => host.quantise(job, into),
      firstNonZeroCheckLane: (target) => host.firstNonZeroCheckLane(target),
      close: () => host.close(),
      addChunk: async (target, byteOffset, chunk) => {
        await midway();
        await host.addChunk(target, byteOffset, chunk);
      },
    };
    engine = await withSwiftShader(() => openWebgpuRingEngine({ host: () => watched, software: true }));
  }, 60_000);
  afterAll(async () => {
    await engine?.close();
    vi.restoreAllMocks();
  });

  /** What lies in a buffer of the device now, also while the processor has it mapped. */
  const contentOf = async (buffer: GPUBuffer): Promise<Uint8Array> => {
    if (buffer.mapState === "mapped") return Uint8Array.from(mapped.get(buffer)!);
    if ((buffer.usage & USAGE.mapRead) !== 0) {
      await buffer.mapAsync(1);
      const content = Uint8Array.from(new Uint8Array(buffer.getMappedRange()));
      buffer.unmap();
      return content;
    }
    const [device] = devices;
    const copy = device!.createBuffer({ size: buffer.size, usage: USAGE.mapRead | USAGE.copyTarget });
    buffers.pop();
    const encoder = device!.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, copy, 0, buffer.size);
    device!.queue.submit([encoder.finish()]);
    await copy.mapAsync(1);
    const content = Uint8Array.from(new Uint8Array(copy.getMappedRange()));
    copy.destroy();
    return content;
  };

  const isParameters = ({ usage }: GPUBuffer) => (usage & USAGE.uniform) !== 0;

  const nonZeroBuffers = async (): Promise<number> => {
    let count = 0;
    for (const buffer of buffers.filter((one) => !isParameters(one)))
      if ((await contentOf(buffer)).some((byte) => byte !== 0)) count++;
    return count;
  };

  const holdKey = async (): Promise<number> => {
    let count = 0;
    for (const buffer of buffers)
      if (Buffer.from(await contentOf(buffer)).includes(Buffer.from(SECRET))) count++;
    return count;
  };

  const SEGMENTS = { laneBits: 16, segmentLanes: [1_000, 17] } as const;

  test("opening, which adds known streams, leaves zeros in every buffer", async () => {
    expect(buffers).toHaveLength(8);
    expect(await nonZeroBuffers()).toBe(0);
  });

  test("while streams are added there is a key, afterwards none, and no keystream", async () => {
    let during = 0;
    midway = async () => {
      during = Math.max(during, await holdKey());
    };
    await engine.addStreams(engine.allocate(SEGMENTS), STREAMS);
    // Where the processor writes it, and where the shader reads it.
    expect(during).toBe(2);
    expect(await holdKey()).toBe(0);
    expect(await nonZeroBuffers()).toBe(0);
  });

  test("an operation that fails between two pieces leaves none either, and the engine goes on", async () => {
    midway = () => Promise.reject(new Error("no memory"));
    const long = { laneBits: 16, segmentLanes: [300_000] } as const;
    await expect(engine.addStreams(engine.allocate(long), STREAMS)).rejects.toThrow("no memory");
    expect(await nonZeroBuffers()).toBe(0);
    midway = async () => {};
    await engine.addStreams(engine.allocate(long), STREAMS);
    expect(await nonZeroBuffers()).toBe(0);
  });

  test("a GPU that is lost makes the operation reject", async () => {
    midway = async () => devices.forEach((device) => device.destroy());
    const vector = engine.allocate({ laneBits: 16, segmentLanes: [300_000] });
    await expect(engine.addStreams(vector, STREAMS)).rejects.toThrow();
  });
});

test.skipIf(!hasSwiftShader)(
  `an engine on a GPU that nobody closes does not keep its process alive${SWIFTSHADER_REASON}`,
  async () => {
    const program = fileURLToPath(new URL("../compute/programs/idle-webgpu-engine.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--conditions=bulkhead-src", "--import", import.meta.resolve("tsx"), program],
      { timeout: 120_000 },
    );
    expect(stdout.trim()).toBe("added");
  },
);
