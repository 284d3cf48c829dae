/** Floats of sixteen bits: IEEE halves (F16) and the upper half of a 32-bit float (BF16), to and from 32 bits. */

/** The bits of a 32-bit float for each half: a quarter of a megabyte, made when it is first asked for. */
let wide: Uint32Array | undefined;

const wideBits = (): Uint32Array => (wide ??= Uint32Array.from({ length: 65_536 }, (_, bits) => widen(bits)));

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

const widen = (bits: number): number => {
  const sign = (bits & 0x8000) << 16;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  scratch[0] = fraction * 2 ** -24;
  return sign | scratchBits[0]!;
};

let wideValues: Float32Array | undefined;

/** The value of each half, by its bits. */
export const halfValues = (): Float32Array => (wideValues ??= new Float32Array(wideBits().buffer));

export const halvesToFloats = (halves: Uint16Array, floats: Float32Array): void => {
  const bits = bitsOf(floats);
  const table = wideBits();
  for (let i = 0; i < halves.length; i++) bits[i] = table[halves[i]!]!;
};

export const bfloatsToFloats = (bfloats: Uint16Array, floats: Float32Array): void => {
  const bits = bitsOf(floats);
  for (let i = 0; i < bfloats.length; i++) bits[i] = bfloats[i]! << 16;
};

/** To the nearest, ties to the even one; what is no number stays none. */
export const floatsToBfloats = (floats: Float32Array, bfloats: Uint16Array): void => {
  const bits = bitsOf(floats);
  for (let i = 0; i < bits.length; i++) {
    const each = bits[i]!;
    bfloats[i] =
      (each & 0x7fffffff) > 0x7f800000 ? (each >>> 16) | 0x40 : (each + 0x7fff + ((each >>> 16) & 1)) >>> 16;
  }
};

/** To the nearest, ties to the even one; infinite above 65,519. */
export const floatsToHalves = (floats: Float32Array, halves: Uint16Array): void => {
  const bits = bitsOf(floats);
  for (let i = 0; i < bits.length; i++) halves[i] = narrow(bits[i]!);
};

const narrow = (bits: number): number => {
  const sign = (bits >>> 16) & 0x8000;
  const size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  if (size >= 0x477ff000) return sign | 0x7c00;
  // Added to a half, a fraction that overflows moves into the exponent, as it should.
  if (size >= 0x38800000) return sign | ((size - 0x38000000 + 0xfff + ((size >>> 13) & 1)) >>> 13);
  scratchBits[0] = size;
  return sign | roundToEven(scratch[0]! * 2 ** 24);
};

/** Of a number below 1,024.5 that a double holds. */
const roundToEven = (value: number): number => {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
};

const bitsOf = (floats: Float32Array): Uint32Array =>
  new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
