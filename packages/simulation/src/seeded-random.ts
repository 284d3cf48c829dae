/** Reproducible randomness for stories: the same seed gives the same choices, on every machine. */
import { concatBytes, Secret, utf8 } from "@bulkhead/base";
import { hashFields, keystream } from "@bulkhead/crypto";

const NONCE = new Uint8Array(12);
const BLOCK_BYTES = 1024;

export class SeededRandom {
  readonly #key: Uint8Array;
  /** Bytes that are ready, and how many of them have been taken; a stream costs more to open than to read. */
  #ready: Uint8Array = new Uint8Array();
  #taken = 0;
  #offset = 0;

  constructor(seed: string) {
    this.#key = hashFields("bulkhead/1 simulation", utf8(seed));
  }

  bytes(length: number): Uint8Array {
    if (this.#taken + length > this.#ready.length) {
      const left = this.#ready.subarray(this.#taken);
      const more = Math.max(BLOCK_BYTES, length);
      const next = keystream({ key: this.#key, nonce: NONCE, offset: this.#offset }, more);
      this.#ready = concatBytes(left, next);
      this.#offset += more;
      this.#taken = 0;
    }
    this.#taken += length;
    return this.#ready.slice(this.#taken - length, this.#taken);
  }

  secret(): Secret {
    return new Secret(this.bytes(32));
  }

  /** An integer from 0 to before `bound`; the bias below 2^-20 does not matter to a story. */
  below(bound: number): number {
    const word = new DataView(this.bytes(4).buffer).getUint32(0);
    return Math.floor((word / 2 ** 32) * bound);
  }

  /** An integer from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  pick<T>(from: readonly T[]): T {
    const picked = from[this.below(from.length)];
    if (picked === undefined) throw new RangeError("nothing to pick from");
    return picked;
  }

  /** So many distinct ones, in the order of `from`. */
  some<T>(from: readonly T[], count: number): readonly T[] {
    const left = [...from];
    while (left.length > count) left.splice(this.below(left.length), 1);
    return left;
  }
}
