/**
 * The canonical encoding of everything that is signed, hashed or fed to a key derivation: each value has exactly one
 * encoding, and each encoding at most one value. Variable parts stand behind a u32 big-endian length, numbers are
 * big-endian of fixed width, lists carry a u32 count. Decoding is strict: bounds are checked before anything is
 * allocated, and bytes left over are an error.
 */
import { concatBytes, utf8, utf8ToText, u32ToBytes } from "./bytes.ts";
import { ShapeError } from "./shape.ts";

export interface Canonical<T> {
  readonly write: (value: T) => Uint8Array;
  readonly read: (from: Reader) => T;
}

export type CanonicalType<C> = C extends Canonical<infer T> ? T : never;

/** A cursor over bytes that never gives out more than there are. */
export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    // A plain view: `slice` of a Buffer would share its memory instead of copying.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get rest(): number {
    return this.#bytes.length - this.#offset;
  }

  take(length: number): Uint8Array {
    if (length > this.rest) throw new ShapeError(`byte ${this.#offset}`, `${length} more bytes`);
    const taken = this.#bytes.slice(this.#offset, this.#offset + length);
    this.#offset += length;
    return taken;
  }

  uint(width: number): number {
    if (width > this.rest) throw new ShapeError(`byte ${this.#offset}`, `${width} more bytes`);
    let value = 0;
    for (const end = this.#offset + width; this.#offset < end; this.#offset++)
      value = value * 256 + this.#bytes[this.#offset]!;
    if (!Number.isSafeInteger(value))
      throw new ShapeError(`byte ${this.#offset - width}`, "an integer below 2^53");
    return value;
  }
}

export const encodeCanonical = <T>(codec: Canonical<T>, value: T): Uint8Array => codec.write(value);

/** Throws a {@link ShapeError} on anything but the one encoding of a value. */
export const decodeCanonical = <T>(codec: Canonical<T>, bytes: Uint8Array): T => {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  if (reader.rest > 0) throw new ShapeError(`byte ${bytes.length - reader.rest}`, "the end");
  return value;
};

/** Each part behind its length, in order: injective over lists of byte strings and text. */
export const encodeFields = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  concatBytes(
    ...parts.flatMap((part) => {
      const bytes = typeof part === "string" ? utf8(part) : part;
      return [u32ToBytes(bytes.length), bytes];
    }),
  );

const uint = (width: number): Canonical<number> => ({
  write: (value) => {
    if (!Number.isSafeInteger(value) || value < 0 || value >= 256 ** width)
      throw new RangeError(`not an unsigned integer of ${width} bytes`);
    const bytes = new Uint8Array(width);
    for (let i = width - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
    return bytes;
  },
  read: (from) => from.uint(width),
});

export const u8 = uint(1);
export const u16 = uint(2);
export const u32 = uint(4);
/** Eight bytes; values at or above 2^53 are refused. */
export const u64 = uint(8);

/** Exactly `length` bytes, without a length before them. */
export const rawBytes = (length: number): Canonical<Uint8Array> => ({
  write: (value) => {
    if (value.length !== length) throw new RangeError(`not ${length} bytes`);
    return new Uint8Array(value);
  },
  read: (from) => from.take(length),
});

/** At most `longest` bytes behind their length. */
export const varBytes = (longest: number): Canonical<Uint8Array> => ({
  write: (value) => {
    if (value.length > longest) throw new RangeError(`more than ${longest} bytes`);
    return concatBytes(u32ToBytes(value.length), value);
  },
  read: (from) => {
    const length = from.uint(4);
    if (length > longest) throw new ShapeError("length", `at most ${longest} bytes`);
    return from.take(length);
  },
});

/** Text of at most `longest` UTF-8 bytes; malformed UTF-8 is refused. */
export const varText = (longest: number): Canonical<string> => ({
  write: (value) => varBytes(longest).write(utf8(value)),
  read: (from) => {
    const bytes = varBytes(longest).read(from);
    try {
      return utf8ToText(bytes);
    } catch {
      throw new ShapeError("text", "UTF-8");
    }
  },
});

/** At most `longest` items. */
export const sequence = <T>(item: Canonical<T>, longest: number): Canonical<readonly T[]> => ({
  write: (value) => {
    if (value.length > longest) throw new RangeError(`more than ${longest} items`);
    return concatBytes(u32ToBytes(value.length), ...value.map((element) => item.write(element)));
  },
  read: (from) => {
    const length = from.uint(4);
    if (length > longest) throw new ShapeError("list", `at most ${longest} items`);
    // Grows item by item: a length that lies allocates nothing.
    const items: T[] = [];
    while (items.length < length) items.push(item.read(from));
    return items;
  },
});

// oxlint-disable-next-line typescript/no-explicit-any -- the one place where codecs of different types stand in one table
type AnyCodec = Canonical<any>;
type FromCodecs<F> = { readonly [K in keyof F]: CanonicalType<F[K]> };

/** The fields in the order in which they are written down here. */
export const struct = <F extends Readonly<Record<string, AnyCodec>>>(fields: F): Canonical<FromCodecs<F>> => {
  const entries = Object.entries<AnyCodec>(fields);
  return {
    // oxlint-disable-next-line typescript/no-unsafe-argument -- `fields` gives each key its own codec
    write: (value) => concatBytes(...entries.map(([key, codec]) => codec.write(value[key]))),
    read: (from) => {
      const read: Record<string, unknown> = {};
      for (const [key, codec] of entries) read[key] = codec.read(from);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- built from `fields`, key by key
      return read as FromCodecs<F>;
    },
  };
};
