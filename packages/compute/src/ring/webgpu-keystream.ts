/**
 * Sums of keystreams made on a GPU, a piece at a time: while one piece is used, the device makes the next. Its buffers
 * have a fixed size, whatever the number of streams and the length of a vector.
 */
import { invariant } from "@bulkhead/base";
import { checked, type WebgpuDevice } from "../webgpu-device.ts";
import { BLOCK_BYTES, chacha20Wgsl, RUN_BYTES, STREAM_BYTES, WORKGROUP } from "./chacha20-wgsl.ts";
import type { RingGeometry, SignedStream } from "./ring-engine.ts";
import {
  type BlockRun,
  dispatchesPerRun,
  dispatchesToBytes,
  piecesOf,
  writeStreams,
} from "./webgpu-dispatches.ts";

/** Bytes: long enough to keep a GPU busy; short on software, which is for tests. */
const PIECE = { hardware: 8 * 1024 * 1024, software: 256 * 1024 } as const;
const DISPATCHES_PER_PIECE = 256;
/** In one pass over a vector. */
export const MOST_STREAMS = 4096;

/** As WebGPU numbers them (section 5, "Buffers"): Dawn has no globals. */
const USAGE = { mapRead: 1, mapWrite: 2, copySource: 4, copyTarget: 8, uniform: 64, storage: 128 } as const;
const MAP = { read: 1, write: 2 } as const;
const COMPUTE_STAGE = 4;

type Pipelines = Readonly<Record<16 | 32, GPUComputePipeline>>;

/** The buffers of one piece. */
interface Slot {
  readonly runs: GPUBuffer;
  readonly sums: GPUBuffer;
  readonly fetched: GPUBuffer;
  readonly group: GPUBindGroup;
}

/**
 * Keys and keystream lie in the buffers of this object alone, and {@link WebgpuKeystream.wipe} overwrites those. Beyond
 * it are what the device keeps in registers and caches, and copies that a driver makes where its memory is not the
 * processor's: no interface reaches them.
 */
export class WebgpuKeystream {
  readonly pieceBytes: number;
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  /** Where the processor writes keys, and where the shader reads them. */
  readonly #offered: GPUBuffer;
  #offeredBytes: Uint8Array;
  readonly #keys: GPUBuffer;
  readonly #stride: number;
  readonly #slots: readonly [Slot, Slot];
  #streams = 0;

  private constructor(device: GPUDevice, pieceBytes: number, pipelines: Pipelines) {
    this.pieceBytes = pieceBytes;
    this.#device = device;
    this.#pipelines = pipelines;
    const size = STREAM_BYTES * MOST_STREAMS;
    this.#offered = device.createBuffer({
      size,
      usage: USAGE.mapWrite | USAGE.copySource,
      mappedAtCreation: true,
    });
    this.#offeredBytes = new Uint8Array(this.#offered.getMappedRange());
    this.#keys = device.createBuffer({ size, usage: USAGE.storage | USAGE.copyTarget });
    this.#stride = Math.max(RUN_BYTES, device.limits.minUniformBufferOffsetAlignment);
    this.#slots = [this.#openSlot(), this.#openSlot()];
  }

  /** Throws where the device's limits are below what a piece takes, or the shader does not compile. */
  static async open({ device, isSoftware }: WebgpuDevice): Promise<WebgpuKeystream> {
    const { limits } = device;
    const most = Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
    const pieceBytes = Math.min(isSoftware ? PIECE.software : PIECE.hardware, most - (most % BLOCK_BYTES));
    if (
      STREAM_BYTES * MOST_STREAMS > most ||
      workgroups(pieceBytes) > limits.maxComputeWorkgroupsPerDimension
    )
      throw new Error("the GPU's limits are too low");
    const layout = await checked(device, () => pipelineLayout(device));
    const pipelineOf = async (laneBits: 16 | 32) => {
      const module = await checked(device, () => device.createShaderModule({ code: chacha20Wgsl(laneBits) }));
      return device.createComputePipelineAsync({ layout, compute: { module, entryPoint: "main" } });
    };
    const pipelines = { 16: await pipelineOf(16), 32: await pipelineOf(32) };
    return checked(device, () => new WebgpuKeystream(device, pieceBytes, pipelines));
  }

  /** Copies keys to the device, for what follows; at most {@link MOST_STREAMS}. */
  takeKeys(streams: readonly SignedStream[]): Promise<void> {
    invariant(streams.length > 0 && streams.length <= MOST_STREAMS, "streams for one pass");
    return checked(this.#device, () => {
      this.#streams = streams.length;
      writeStreams(this.#offeredBytes, streams);
      this.#offered.unmap();
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.#offered, 0, this.#keys, 0, STREAM_BYTES * streams.length);
      this.#device.queue.submit([encoder.finish()]);
    });
  }

  /** Gives `use` the sum over all streams, run by run; the bytes are there until it settles. */
  async addUp(
    geometry: RingGeometry,
    use: (run: BlockRun, bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const most = {
      blocks: this.pieceBytes / BLOCK_BYTES,
      runs: Math.floor(DISPATCHES_PER_PIECE / dispatchesPerRun(this.#streams)),
    };
    const finish = async ({ slot, piece, sum }: UnderWay): Promise<void> => {
      const bytes = await sum;
      for (const run of piece) {
        const from = BLOCK_BYTES * run.firstOut;
        await use(run, bytes.subarray(from, from + run.length));
      }
      slot.fetched.unmap();
    };
    let underWay: UnderWay | undefined;
    let next = 0;
    for (const piece of piecesOf(geometry, most)) {
      const slot = this.#slots[next]!;
      const started = { slot, piece, sum: this.#start(geometry.laneBits, slot, piece) };
      // Whoever waits for the piece before may find it broken first.
      started.sum.catch(() => {});
      if (underWay !== undefined) await finish(underWay);
      underWay = started;
      next = 1 - next;
    }
    if (underWay !== undefined) await finish(underWay);
  }

  /** Overwrites with zeros all that held keys or keystream. */
  async wipe(): Promise<void> {
    await checked(this.#device, () => {
      const encoder = this.#device.createCommandEncoder();
      for (const { sums, fetched } of this.#slots) {
        fetched.unmap();
        encoder.clearBuffer(sums);
        encoder.clearBuffer(fetched);
      }
      encoder.clearBuffer(this.#keys);
      this.#device.queue.submit([encoder.finish()]);
    });
    if (this.#offered.mapState !== "mapped") {
      await this.#offered.mapAsync(MAP.write);
      this.#offeredBytes = new Uint8Array(this.#offered.getMappedRange());
    }
    this.#offeredBytes.fill(0);
    await this.#device.queue.onSubmittedWorkDone();
  }

  async #start(laneBits: 16 | 32, slot: Slot, piece: readonly BlockRun[]): Promise<Uint8Array> {
    const bytes = BLOCK_BYTES * piece.reduce((sum, { blocks }) => sum + blocks, 0);
    await checked(this.#device, () => {
      this.#device.queue.writeBuffer(slot.runs, 0, dispatchesToBytes(piece, this.#streams, this.#stride));
      const encoder = this.#device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setPipeline(this.#pipelines[laneBits]);
      let offset = 0;
      for (const { blocks } of piece)
        for (let i = 0; i < dispatchesPerRun(this.#streams); i++, offset += this.#stride) {
          pass.setBindGroup(0, slot.group, [offset]);
          pass.dispatchWorkgroups(workgroups(BLOCK_BYTES * blocks));
        }
      pass.end();
      encoder.copyBufferToBuffer(slot.sums, 0, slot.fetched, 0, bytes);
      this.#device.queue.submit([encoder.finish()]);
    });
    await slot.fetched.mapAsync(MAP.read, 0, bytes);
    return new Uint8Array(slot.fetched.getMappedRange(0, bytes));
  }

  #openSlot(): Slot {
    const device = this.#device;
    const buffer = (size: number, usage: number) => device.createBuffer({ size, usage });
    const runs = buffer(this.#stride * DISPATCHES_PER_PIECE, USAGE.uniform | USAGE.copyTarget);
    const sums = buffer(this.pieceBytes, USAGE.storage | USAGE.copySource | USAGE.copyTarget);
    const fetched = buffer(this.pieceBytes, USAGE.mapRead | USAGE.copyTarget);
    const group = device.createBindGroup({
      layout: this.#pipelines[16].getBindGroupLayout(0),
      entries: [
        { binding: 0, resource: { buffer: this.#keys } },
        { binding: 1, resource: { buffer: runs, size: RUN_BYTES } },
        { binding: 2, resource: { buffer: sums } },
      ],
    });
    return { runs, sums, fetched, group };
  }
}

interface UnderWay {
  readonly slot: Slot;
  readonly piece: readonly BlockRun[];
  readonly sum: Promise<Uint8Array>;
}

const workgroups = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES / WORKGROUP);

const pipelineLayout = (device: GPUDevice): GPUPipelineLayout => {
  const seen = (binding: number, buffer: GPUBufferBindingLayout) => ({
    binding,
    visibility: COMPUTE_STAGE,
    buffer,
  });
  const entries = [
    seen(0, { type: "read-only-storage" }),
    seen(1, { type: "uniform", hasDynamicOffset: true }),
    seen(2, { type: "storage" }),
  ];
  return device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
};
