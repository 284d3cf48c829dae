/** What a GPU is told of the keystreams that it adds: which blocks, of which segment, of which streams, and to where. */
import { segmentNonce } from "@bulkhead/crypto";
import { BLOCK_BYTES, RUN_BYTES, STREAM_BYTES } from "./chacha20-wgsl.ts";
import type { RingGeometry, SignedStream } from "./ring-engine.ts";
import { laneBytes } from "./ring-vector.ts";

/** Blocks of one segment's keystream, and the bytes of the vector that they are for. */
export interface BlockRun {
  readonly segment: number;
  readonly firstBlock: number;
  readonly blocks: number;
  /** Where the blocks stand in the piece, counted in blocks. */
  readonly firstOut: number;
  readonly byteOffset: number;
  /** The last block of a segment may reach beyond it. */
  readonly length: number;
}

/** No piece has more blocks or more runs. */
export interface PieceSize {
  readonly blocks: number;
  readonly runs: number;
}

/** A whole vector. */
export function* piecesOf(geometry: RingGeometry, most: PieceSize): Generator<readonly BlockRun[]> {
  let piece: BlockRun[] = [];
  let firstOut = 0;
  let start = 0;
  for (const [segment, lanes] of geometry.segmentLanes.entries()) {
    const bytes = lanes * laneBytes(geometry);
    for (let from = 0; from < bytes;) {
      const length = Math.min(bytes - from, BLOCK_BYTES * (most.blocks - firstOut));
      const blocks = Math.ceil(length / BLOCK_BYTES);
      const firstBlock = from / BLOCK_BYTES;
      piece.push({ segment, firstBlock, blocks, firstOut, byteOffset: start + from, length });
      from += length;
      firstOut += blocks;
      if (firstOut < most.blocks && piece.length < most.runs) continue;
      yield piece;
      [piece, firstOut] = [[], 0];
    }
    start += bytes;
  }
  if (piece.length > 0) yield piece;
}

/** Systems take a GPU away from a shader that runs for seconds. */
const STREAMS_PER_DISPATCH = 256;

/** So many dispatches add so many streams to one run. */
export const dispatchesPerRun = (streams: number): number => Math.ceil(streams / STREAMS_PER_DISPATCH);

/** The parameters of each dispatch as the shader's `Run`, `stride` bytes apart. */
export const dispatchesToBytes = (
  piece: readonly BlockRun[],
  streams: number,
  stride: number,
): Uint8Array => {
  const bytes = new Uint8Array(stride * piece.length * dispatchesPerRun(streams));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { segment, firstBlock, firstOut, blocks } of piece)
    for (let first = 0; first < streams; first += STREAMS_PER_DISPATCH, at += stride) {
      bytes.set(segmentNonce(segment), at);
      const count = Math.min(STREAMS_PER_DISPATCH, streams - first);
      for (const [i, word] of [firstBlock, firstOut, blocks, first, count].entries())
        view.setUint32(at + RUN_BYTES - 20 + 4 * i, word, true);
    }
  return bytes;
};

/** Writes the shader's `Stream`s straight to where the device reads them: no copy of a key is left elsewhere. */
export const writeStreams = (into: Uint8Array, streams: readonly SignedStream[]): void => {
  for (const [i, { key, sign }] of streams.entries()) {
    into.set(key, STREAM_BYTES * i);
    into.fill(sign === 1 ? 0 : 0xff, STREAM_BYTES * i + key.length, STREAM_BYTES * (i + 1));
  }
};
