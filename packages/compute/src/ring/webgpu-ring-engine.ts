/**
 * The ring engine "webgpu": a GPU makes and adds up the keystreams, many of them in one pass, and an engine on the
 * processor does the rest. The vector stays in the processor's memory and the device never sees it, so that its bytes
 * can be read after each operation, and an update is nowhere that could not be wiped.
 */
import { invariant } from "@bulkhead/base";
import { openWebgpuDevice } from "../webgpu-device.ts";
import type { QuantiseJob, RingEngine, RingGeometry, RingVector, SignedStream } from "./ring-engine.ts";
import { Turns } from "./turns.ts";
import { MOST_STREAMS, WebgpuKeystream } from "./webgpu-keystream.ts";

const KEY = 32;

export interface WebgpuRingOptions {
  /** Opens what quantises and adds on the processor, once there is a GPU; closed with the engine. */
  readonly host: () => RingEngine;
  /** Whether a software renderer will do: it is far slower than the host, and for tests. */
  readonly software?: boolean;
}

/**
 * Throws, in one line with its cure, where there is no GPU, and where its keystreams are not the host's over a vector of
 * more than two pieces; the known answers are left to whoever opens it. It never keeps the process alive while idle.
 */
export const openWebgpuRingEngine = async ({
  host: openHost,
  software = false,
}: WebgpuRingOptions): Promise<RingEngine> => {
  const gpu = await openWebgpuDevice();
  let close = async () => gpu.device.destroy();
  try {
    if (gpu.isSoftware && !software) throw new Error(`${gpu.name} is a software renderer: \`cpu\` is faster`);
    const keystream = await WebgpuKeystream.open(gpu);
    const host = openHost();
    close = async () => {
      gpu.device.destroy();
      await host.close();
    };
    const engine = new WebgpuRingEngine(gpu.name, { keystream, host, close });
    await compareWithHost(engine, host, keystream.pieceBytes);
    return engine;
  } catch (error) {
    await close();
    throw error;
  }
};

interface Parts {
  readonly keystream: WebgpuKeystream;
  readonly host: RingEngine;
  readonly close: () => Promise<void>;
}

class WebgpuRingEngine implements RingEngine {
  readonly name = "webgpu";
  readonly detail: string;
  readonly #keystream: WebgpuKeystream;
  readonly #host: RingEngine;
  readonly #close: () => Promise<void>;
  readonly #turns = new Turns(this.name);

  constructor(detail: string, { keystream, host, close }: Parts) {
    this.detail = detail;
    this.#keystream = keystream;
    this.#host = host;
    this.#close = close;
  }

  allocate(geometry: RingGeometry): RingVector {
    return this.#host.allocate(geometry);
  }

  firstNonZeroCheckLane(target: RingVector): number | undefined {
    return this.#host.firstNonZeroCheckLane(target);
  }

  /** On the processor: WGSL has no doubles, and in single precision the quanta would be others. */
  quantise(job: QuantiseJob, into: RingVector): Promise<{ readonly clamped: number }> {
    return this.#turns.take(() => this.#host.quantise(job, into));
  }

  addStreams(target: RingVector, streams: readonly SignedStream[]): Promise<void> {
    return this.#turns.take(async () => {
      invariant(
        streams.every(({ key }) => key.length === KEY),
        "a stream's key has 32 bytes",
      );
      try {
        for (let from = 0; from < streams.length; from += MOST_STREAMS) {
          await this.#keystream.takeKeys(streams.slice(from, from + MOST_STREAMS));
          await this.#keystream.addUp(target, ({ byteOffset }, bytes) =>
            this.#host.addChunk(target, byteOffset, bytes),
          );
          await this.#keystream.wipe();
        }
      } catch (error) {
        await this.#keystream.wipe();
        throw error;
      }
    });
  }

  addChunk(target: RingVector, byteOffset: number, chunk: Uint8Array): Promise<void> {
    return this.#turns.take(() => this.#host.addChunk(target, byteOffset, chunk));
  }

  async close(): Promise<void> {
    await this.#turns.close();
    await this.#close();
  }
}

/** What the host adds the engine takes away: nothing is left, or one of them is wrong. */
const compareWithHost = async (engine: RingEngine, host: RingEngine, pieceBytes: number): Promise<void> => {
  const streams = (most: 1 | -1, second: 1 | -1): readonly SignedStream[] =>
    [most, second, most].map((sign, i) => ({ key: new Uint8Array(KEY).fill(i), sign }));
  for (const laneBits of [16, 32] as const) {
    const lanes = (8 * pieceBytes) / laneBits;
    const vector = engine.allocate({ laneBits, segmentLanes: [lanes + 17, 19, lanes - 5, 1_001] });
    await host.addStreams(vector, streams(1, -1));
    await engine.addStreams(vector, streams(-1, 1));
    const { buffer, byteOffset, length } = vector.bytes;
    if (new Int16Array(buffer, byteOffset, length / 2).some((half) => half !== 0))
      throw new Error(`ring engine "webgpu" is not exact on this machine: wrong at ${laneBits} bits`);
  }
};
