/** The running sum of one attempt: uploads are added as they come in whole, masks are taken off at the end. */
import type { RingEngine, RingVector } from "@bulkhead/compute";
import { sha256 } from "@bulkhead/crypto";
import type { CoordinatorEvent, MaskStream } from "@bulkhead/protocol";
import type { RingLayout } from "@bulkhead/secagg";
import type { Piece } from "./spool.ts";

export type Unmasked = Extract<CoordinatorEvent, { readonly type: "summed" }>;

/** Calls run one after the other, so that memory is one vector and one piece, however many members there are. */
export class Sum {
  readonly #engine: RingEngine;
  readonly #layout: RingLayout;
  #vector: RingVector | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: RingEngine, layout: RingLayout) {
    this.#engine = engine;
    this.#layout = layout;
  }

  /** Adds a whole upload. */
  add(pieces: () => Iterable<Piece>): Promise<void> {
    return this.#inTurn(async (vector) => {
      for (const { offset, bytes } of pieces()) await this.#engine.addChunk(vector, offset, bytes);
    });
  }

  /** Takes the masks off and wipes their keys. What is left is the plain sum, or noise where the check lanes say so. */
  unmask(streams: readonly MaskStream[]): Promise<Unmasked> {
    return this.#inTurn(async (vector) => {
      await this.#engine.addStreams(
        vector,
        streams.map(({ key, sign }) => ({ key: key.reveal(), sign })),
      );
      for (const { key } of streams) key.wipe();
      const isPlain = this.#engine.firstNonZeroCheckLane(vector) === undefined;
      return {
        type: "summed",
        outcome: isPlain ? "plain" : "masks-did-not-cancel",
        digest: sha256(vector.bytes),
      };
    });
  }

  /** The lanes as they stand; nothing may be under way. */
  get bytes(): Uint8Array {
    return this.#allocated().bytes;
  }

  #inTurn<T>(operation: (vector: RingVector) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => operation(this.#allocated()));
    this.#last = result.catch(() => undefined);
    return result;
  }

  #allocated(): RingVector {
    this.#vector ??= this.#engine.allocate(this.#layout);
    return this.#vector;
  }
}
