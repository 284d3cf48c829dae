/**
 * Sums of keystreams made on a GPU, a piece at a time: while one piece is used, the device makes the next. Its buffers
 * have a fixed size, whatever the number of streams and the length of a vector.
 */
import { invariant } from "@bulkhead/base";
import { checked, type WebgpuDevice } from "../webgpu-device.ts";
import { BLOCK_BYTES, RUN_BYTES, STREAM_BYTES, WORKGROUP } from "./chacha20-wgsl.ts";
import type { RingGeometry, SignedStream } from "./ring-engine.ts";
import {
  type BlockRun,
  dispatchesPerRun,
  dispatchesToBytes,
  piecesOf,
  writeStreams,
} from "./webgpu-dispatches.ts";
import {
  DISPATCHES_PER_PIECE,
  MAP,
  openPipelines,
  openSlot,
  type Pipelines,
  type Slot,
  USAGE,
} from "./webgpu-slot.ts";

/** Bytes: long enough to keep a GPU busy; short on software, which is for tests. */
const PIECE = { hardware: 8 * 1024 * 1024, software: 256 * 1024 } as const;
/** In one pass over a vector. */
export const MOST_STREAMS = 4096;

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
    const open = () =>
      openSlot(device, {
        pieceBytes,
        stride: this.#stride,
        keys: this.#keys,
        layout: pipelines[16].getBindGroupLayout(0),
      });
    this.#slots = [open(), open()];
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
    const pipelines = await openPipelines(device);
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
    try {
      for (const piece of piecesOf(geometry, most)) {
        const slot = this.#slots[underWay?.slot === this.#slots[0] ? 1 : 0];
        const next = { slot, piece, sum: this.#start(geometry.laneBits, slot, piece) };
        // Awaited when it is its turn.
        next.sum.catch(() => {});
        const before = underWay;
        underWay = next;
        if (before !== undefined) await finish(before);
      }
      if (underWay !== undefined) await finish(underWay);
    } finally {
      // The piece before it may have failed; what is under way would be mapped after it was wiped.
      await underWay?.sum.catch(() => {});
    }
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
}

interface UnderWay {
  readonly slot: Slot;
  readonly piece: readonly BlockRun[];
  readonly sum: Promise<Uint8Array>;
}

const workgroups = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES / WORKGROUP);
