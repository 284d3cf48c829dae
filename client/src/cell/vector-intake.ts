/** A vector that arrives in chunks: the first model, or the sum of a round. Never more memory than was expected. */
import type { Chunk, VectorName } from "@bulkhead/protocol";

interface ExpectedVector {
  readonly vector: VectorName;
  readonly round: number;
  readonly byteLength: number;
}

type Taken =
  | { readonly type: "more"; readonly bytes: number }
  | { readonly type: "whole"; readonly bytes: Uint8Array }
  /** Of a round that is over, or of one that is not asked for. */
  | { readonly type: "ignored" }
  | { readonly type: "malformed" };

export class VectorIntake {
  readonly #expected: ExpectedVector;
  #bytes: Uint8Array | undefined;
  #have = 0;

  constructor(expected: ExpectedVector) {
    this.#expected = expected;
  }

  /** Chunks come in order; offset 0 begins again, since a new session sends everything anew. */
  take({ vector, round, offset, total, bytes }: Chunk): Taken {
    const expected = this.#expected;
    if (vector !== expected.vector || total !== expected.byteLength) return { type: "malformed" };
    if (round !== expected.round) return { type: "ignored" };
    if (offset === 0) this.#have = 0;
    if (offset !== this.#have) return { type: "malformed" };
    this.#bytes ??= new Uint8Array(total);
    this.#bytes.set(bytes, offset);
    this.#have += bytes.length;
    if (this.#have < total) return { type: "more", bytes: this.#have };
    const whole = this.#bytes;
    this.#bytes = undefined;
    this.#have = 0;
    return { type: "whole", bytes: whole };
  }
}
