/** Vectors on a link: cut into pieces, and put together again. */
import type { AttemptName, Chunk, VectorName } from "@bulkhead/protocol";

/** Small, so that even the short vectors of a story take several. */
const PIECE_BYTES = 128;

export const chunksOf = (
  vector: VectorName,
  { round, attempt }: AttemptName,
  { bytes, from = 0 }: { readonly bytes: Uint8Array; readonly from?: number },
): readonly Chunk[] => {
  const total = bytes.length;
  const chunks: Chunk[] = [];
  for (let offset = from; offset < total; offset += PIECE_BYTES)
    chunks.push({
      type: "chunk",
      vector,
      round,
      attempt,
      offset,
      total,
      bytes: new Uint8Array(bytes.subarray(offset, offset + PIECE_BYTES)),
    });
  return chunks;
};

/** A vector that arrives in order; a piece that leaves a gap is refused. */
export class Arriving {
  readonly bytes: Uint8Array;
  #have = 0;

  constructor(byteLength: number) {
    this.bytes = new Uint8Array(byteLength);
  }

  get have(): number {
    return this.#have;
  }

  get isWhole(): boolean {
    return this.#have === this.bytes.length;
  }

  /** Takes what continues the vector; false for a gap or another length. */
  take({ offset, total, bytes }: Chunk): boolean {
    if (total !== this.bytes.length || offset > this.#have) return false;
    const next = bytes.subarray(this.#have - offset);
    this.bytes.set(next, this.#have);
    this.#have += next.length;
    return true;
  }

  clear(): void {
    this.#have = 0;
  }
}
