/**
 * A secret is bytes that no renderer can print: string conversion, JSON, `util.inspect` and error messages
 * all give `<redacted>`. The only way to the bytes is {@link Secret.reveal}, which is easy to search for.
 */
const REDACTED = "<redacted>";

export class Secret {
  readonly #bytes: Uint8Array;
  #wiped = false;

  /** Takes ownership of `bytes`: the caller keeps no other reference, so that {@link wipe} clears the only copy. */
  constructor(bytes: Uint8Array) {
    // A plain view of the same memory: `slice` of a Buffer would not copy.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get length(): number {
    return this.#bytes.length;
  }

  get isWiped(): boolean {
    return this.#wiped;
  }

  /** The memory itself, not a copy; throws after {@link wipe}, so that zeros are never used as a key. */
  reveal(): Uint8Array {
    if (this.#wiped) throw new Error("secret used after it was wiped");
    return this.#bytes;
  }

  /** Overwrites the bytes. Wiping twice is harmless. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#wiped = true;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  get [Symbol.toStringTag](): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}
