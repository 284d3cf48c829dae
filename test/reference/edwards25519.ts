/**
 * The curve of Ed25519 over whole integers, with everything that RFC 8032 leaves open within reach: points of small
 * and mixed order, encodings that are not canonical, signatures made by hand. Slow, not constant-time, not strict.
 */
import { createHash } from "node:crypto";

export const P = 2n ** 255n - 19n;
export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

const mod = (value: bigint, modulus = P): bigint => ((value % modulus) + modulus) % modulus;

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n;
  for (let square = mod(base), rest = exponent; rest > 0n; rest >>= 1n, square = mod(square * square))
    if (rest & 1n) result = mod(result * square);
  return result;
};

const invert = (value: bigint): bigint => power(value, P - 2n);

const D = mod(-121665n * invert(121666n));
const SQRT_MINUS_1 = power(2n, (P - 1n) / 4n);

export interface Point {
  readonly x: bigint;
  readonly y: bigint;
}

const IDENTITY: Point = { x: 0n, y: 1n };

interface Projective {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}

const toProjective = ({ x, y }: Point): Projective => ({ X: x, Y: y, Z: 1n, T: mod(x * y) });

const toAffine = ({ X, Y, Z }: Projective): Point => {
  const inverse = invert(Z);
  return { x: mod(X * inverse), y: mod(Y * inverse) };
};

/** RFC 8032, section 5.1.4; complete, so it also doubles. */
const addProjective = (p: Projective, q: Projective): Projective => {
  const a = mod((p.Y - p.X) * (q.Y - q.X));
  const b = mod((p.Y + p.X) * (q.Y + q.X));
  const c = mod(2n * D * p.T * q.T);
  const d = mod(2n * p.Z * q.Z);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return { X: mod(e * f), Y: mod(g * h), Z: mod(f * g), T: mod(e * h) };
};

export const add = (p: Point, q: Point): Point => toAffine(addProjective(toProjective(p), toProjective(q)));

export const multiply = (scalar: bigint, point: Point): Point => {
  let sum = toProjective(IDENTITY);
  let double = toProjective(point);
  for (let rest = scalar; rest > 0n; rest >>= 1n, double = addProjective(double, double))
    if (rest & 1n) sum = addProjective(sum, double);
  return toAffine(sum);
};

const samePoint = (p: Point, q: Point): boolean => p.x === q.x && p.y === q.y;

export const toInteger = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);

export const toBytes = (value: bigint, length = 32): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));

export const encodePoint = ({ x, y }: Point): Uint8Array => toBytes(y | ((x & 1n) << 255n));

/** Takes every encoding: y is reduced, and x = 0 may carry a sign. `undefined` if there is no such point. */
const decodePoint = (bytes: Uint8Array): Point | undefined => {
  const encoded = toInteger(bytes);
  const y = mod(encoded & (2n ** 255n - 1n));
  const x2 = mod((y * y - 1n) * invert(mod(D * y * y + 1n)));
  let x = power(x2, (P + 3n) / 8n);
  if (mod(x * x) !== x2) x = mod(x * SQRT_MINUS_1);
  if (mod(x * x) !== x2) return undefined;
  return { x: (x & 1n) === encoded >> 255n ? x : mod(-x), y };
};

export const BASE: Point = decodePoint(toBytes(mod(4n * invert(5n))))!;

/** The eight points with 8P = 0, as the multiples of one of order 8, found among the curve's points with small y. */
export const smallOrderPoints = (): readonly Point[] => {
  for (let y = 2n; ; y++) {
    const point = decodePoint(toBytes(y));
    const torsion = point === undefined ? IDENTITY : multiply(L, point);
    if (samePoint(multiply(4n, torsion), IDENTITY)) continue;
    return Array.from({ length: 8 }, (_, i) => multiply(BigInt(i), torsion));
  }
};

/** Every string of 32 bytes that a lenient decoder reads as this point. */
export const encodingsOf = (point: Point): readonly Uint8Array[] => {
  const ys = [point.y, point.y + P].filter((y) => y < 2n ** 255n);
  const signs = point.x === 0n ? [0n, 1n] : [point.x & 1n];
  return ys.flatMap((y) => signs.map((sign) => toBytes(y | (sign << 255n))));
};

export const challenge = (r: Uint8Array, a: Uint8Array, message: Uint8Array): bigint =>
  mod(toInteger(createHash("sha512").update(r).update(a).update(message).digest()), L);

/** The secret scalar of a seed, RFC 8032, section 5.1.5. */
export const scalarOf = (seed: Uint8Array): bigint => {
  const half = createHash("sha512").update(seed).digest().subarray(0, 32);
  return (toInteger(half) & (2n ** 254n - 8n)) | (2n ** 254n);
};

/** RFC 8032, section 5.1.6. */
export const slowSign = (seed: Uint8Array, message: Uint8Array): Uint8Array => {
  const scalar = scalarOf(seed);
  const prefix = createHash("sha512").update(seed).digest().subarray(32);
  const nonce = mod(toInteger(createHash("sha512").update(prefix).update(message).digest()), L);
  const a = encodePoint(multiply(scalar, BASE));
  const r = encodePoint(multiply(nonce, BASE));
  return joined(r, toBytes(mod(nonce + challenge(r, a, message) * scalar, L)));
};

export const joined = (r: Uint8Array, s: Uint8Array): Uint8Array => Uint8Array.from([...r, ...s]);

/** Whether SB = R + hA, or with `cofactor` 8SB = 8R + 8hA, for whatever points the encodings can be read as. */
export const lenientVerify = (
  a: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
  cofactor: 1n | 8n = 1n,
): boolean => {
  const [rBytes, s] = [signature.subarray(0, 32), toInteger(signature.subarray(32))];
  const [A, R] = [decodePoint(a), decodePoint(rBytes)];
  if (A === undefined || R === undefined) return false;
  const right = add(R, multiply(challenge(rBytes, a, message), A));
  return samePoint(multiply(cofactor * s, BASE), multiply(cofactor, right));
};
