/**
 * The kernels in plain typed arrays, for where WebAssembly has no SIMD. Lanes are added by words of 32 bits: a word of
 * 16-bit lanes takes two at once. V8 makes fast code of a loop only as long as it meets one kind of array, so that each
 * loop here has its own.
 */
import type { EncodeRun, LaneKernels } from "./lane-kernels.ts";
import { type Lanes, wholeLanes } from "./ring-vector.ts";

export const plainKernels: LaneKernels = {
  name: "plain",
  addTerms: (laneBits, target, terms) => {
    for (const { sign, next } of terms) addLanes(laneBits, target, { bytes: next(target.length), sign });
  },
  encode: (laneBits, { values, dither, lanes, ...numbers }) =>
    encode(values, { dither: wholeLanes(32, dither), lanes: wholeLanes(laneBits, lanes), ...numbers }),
};

/** The top bit of both lanes in a word; all others can be added without a carry into the neighbour. */
const TOP_BITS = 0x8000_8000;
const REST = 0x7fff_7fff;

const addLanes = (
  laneBits: 16 | 32,
  target: Uint8Array,
  { bytes, sign }: { readonly bytes: Uint8Array; readonly sign: 1 | -1 },
): void => {
  // a - b is the complement of (complement of a) + b.
  const complement = sign === 1 ? 0 : -1;
  const { buffer, byteOffset, length } = wordAligned(bytes);
  // Sixteen-bit lanes may start in the middle of a word of the target.
  const words = target.byteOffset % 4 === 0 ? Math.floor(length / 4) : 0;
  const into = new Int32Array(target.buffer, words > 0 ? target.byteOffset : 0, words);
  const from = new Int32Array(buffer, byteOffset, words);
  if (laneBits === 32) return addWords(into, from, complement);
  addPairs(into, from, complement);
  const rest = (length - 4 * words) / 2;
  return addSingles(
    new Uint16Array(target.buffer, target.byteOffset + 4 * words, rest),
    new Uint16Array(buffer, byteOffset + 4 * words, rest),
    complement,
  );
};

/** Network buffers start anywhere. */
const wordAligned = (bytes: Uint8Array): Uint8Array =>
  bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);

const addWords = (into: Int32Array, from: Int32Array, complement: 0 | -1): void => {
  for (let i = 0; i < into.length; i++) into[i] = complement ^ ((complement ^ into[i]!) + from[i]!);
};

const addPairs = (into: Int32Array, from: Int32Array, complement: 0 | -1): void => {
  for (let i = 0; i < into.length; i++) {
    const a = complement ^ into[i]!;
    const b = from[i]!;
    into[i] = complement ^ (((a & REST) + (b & REST)) ^ ((a ^ b) & TOP_BITS));
  }
};

const addSingles = (into: Uint16Array, from: Uint16Array, complement: 0 | -1): void => {
  for (let i = 0; i < into.length; i++) into[i] = complement ^ ((complement ^ into[i]!) + from[i]!);
};

interface PlainRun extends Pick<EncodeRun, "multiplier" | "largest"> {
  readonly dither: Lanes;
  readonly lanes: Lanes;
}

const encode = (values: Float32Array, { dither, lanes, multiplier, largest }: PlainRun): number => {
  let clamped = 0;
  // Doubles hold the sum of a piece of single-precision values, so that it is finite unless a value is not.
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    sum += value;
    let quantum = Math.floor(value * multiplier + dither[i]! * 2 ** -32);
    if (quantum > largest) {
      quantum = largest;
      clamped++;
    } else if (quantum < -largest) {
      quantum = -largest;
      clamped++;
    }
    lanes[i] = quantum;
  }
  if (!Number.isFinite(sum)) throw new Error("an update holds a value that is not finite");
  return clamped;
};
