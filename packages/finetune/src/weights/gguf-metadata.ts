/** The key-value pairs of a GGUF file, with bounds on all that a file could claim. */
import type { GgufCursor } from "./gguf-cursor.ts";
import { printable } from "./sound-file.ts";

/** 64-bit integers are numbers where these hold them; arrays of numbers are typed arrays, of booleans zeros and ones. */
export type GgufValue = string | number | bigint | boolean | readonly GgufValue[] | GgufNumbers;

export type GgufNumbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigUint64Array
  | BigInt64Array;

const MOST_PAIRS = 4096;
/** In all: an empty array takes twelve bytes of the file, and twenty times as many here. */
const MOST_INNER_ARRAYS = 16_384;
const LONGEST_KEY = 65_535;

/** The types of values by their numbers in the file. */
const [BOOLEAN, TEXT, ARRAY] = [7, 8, 9];
const NUMBERS: ReadonlyMap<
  number,
  { readonly BYTES_PER_ELEMENT: number; new (bytes: ArrayBuffer): GgufNumbers }
> = new Map<number, { readonly BYTES_PER_ELEMENT: number; new (bytes: ArrayBuffer): GgufNumbers }>([
  [0, Uint8Array],
  [1, Int8Array],
  [2, Uint16Array],
  [3, Int16Array],
  [4, Uint32Array],
  [5, Int32Array],
  [6, Float32Array],
  [BOOLEAN, Uint8Array],
  [10, BigUint64Array],
  [11, BigInt64Array],
  [12, Float64Array],
]);

/** Throws a `ShapeError`. */
export const readMetadata = (cursor: GgufCursor, pairs: number): ReadonlyMap<string, GgufValue> => {
  if (pairs > MOST_PAIRS) throw cursor.refusal("metadata", `at most ${MOST_PAIRS} pairs, not ${pairs}`);
  const metadata = new Map<string, GgufValue>();
  const values = new ValueReader(cursor);
  for (let i = 0; i < pairs; i++) {
    const key = cursor.text(`metadata[${i}]`, LONGEST_KEY);
    const path = printable(key);
    if (metadata.has(key)) throw cursor.refusal(path, "each key once");
    metadata.set(key, values.read(cursor.u32(path), path));
  }
  return metadata;
};

class ValueReader {
  readonly #cursor: GgufCursor;
  #innerArrays = 0;

  constructor(cursor: GgufCursor) {
    this.#cursor = cursor;
  }

  read(type: number, path: string): GgufValue {
    if (type === TEXT) return this.#cursor.text(path);
    if (type === ARRAY) return this.#array(path, 0);
    const value = this.#numbers(type, 1, path)[0]!;
    if (type === BOOLEAN) return value === 1;
    return typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  #array(path: string, depth: number): GgufValue {
    const type = this.#cursor.u32(path);
    const length = this.#cursor.u64(path);
    if (type !== TEXT && type !== ARRAY) return this.#numbers(type, length, path);
    // Each takes eight bytes at least; and nothing is allocated before it is read.
    if (length * 8 > this.#cursor.bytesLeft)
      throw this.#cursor.refusal(path, `as many values as the file holds, not ${length}`, -8);
    const values: GgufValue[] = [];
    for (let i = 0; i < length; i++)
      values.push(type === TEXT ? this.#cursor.text(path) : this.#innerArray(path, depth + 1));
    return values;
  }

  #innerArray(path: string, depth: number): GgufValue {
    this.#innerArrays++;
    if (depth > 3) throw this.#cursor.refusal(path, "arrays in arrays at most four deep");
    if (this.#innerArrays > MOST_INNER_ARRAYS)
      throw this.#cursor.refusal(path, `at most ${MOST_INNER_ARRAYS} arrays in arrays`);
    return this.#array(path, depth);
  }

  #numbers(type: number, length: number, path: string): GgufNumbers {
    const Numbers = NUMBERS.get(type);
    if (Numbers === undefined) throw this.#cursor.refusal(path, `a known type of value, not ${type}`);
    const values = new Numbers(this.#cursor.bytes(length * Numbers.BYTES_PER_ELEMENT, path));
    if (type === BOOLEAN && values.some((value) => value > 1))
      throw this.#cursor.refusal(path, "zeros and ones for booleans", -length);
    return values;
  }
}
