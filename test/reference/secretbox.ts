/**
 * XSalsa20-Poly1305 as NaCl specifies it: HSalsa20 derives the key of a Salsa20 stream, whose first 32 bytes are the
 * key of Poly1305 over the ciphertext; the tag comes first. Poly1305 over whole integers.
 */
export const slowSecretbox = (key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Uint8Array => {
  const subkey = hsalsa20(key, nonce.slice(0, 16));
  const stream = salsa20Stream(subkey, nonce.slice(16), 32 + plaintext.length);
  const ciphertext = plaintext.map((byte, i) => byte ^ stream[32 + i]!);
  return Uint8Array.from([...poly1305(stream.slice(0, 32), ciphertext), ...ciphertext]);
};

/** RFC 8439, section 2.5: (sum of blocks times powers of r, mod 2^130 - 5) + s, mod 2^128. */
export const poly1305 = (key: Uint8Array, message: Uint8Array): Uint8Array => {
  const prime = 2n ** 130n - 5n;
  const r = toInteger(key.slice(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  for (let at = 0; at < message.length; at += 16)
    sum = ((sum + toInteger(Uint8Array.from([...message.slice(at, at + 16), 1]))) * r) % prime;
  const tag = sum + toInteger(key.slice(16, 32));
  return Uint8Array.from({ length: 16 }, (_, i) => Number((tag >> BigInt(8 * i)) & 0xffn));
};

const toInteger = (bytes: Uint8Array): bigint =>
  bytes.reduceRight((value, byte) => value * 256n + BigInt(byte), 0n);

const SIGMA = [0x61707865, 0x3320646e, 0x79622d32, 0x6b206574] as const;

/** Key and input stand around the four constants, which fill the diagonal. */
const layOut = (key: Uint8Array, input: Uint8Array): Uint32Array => {
  const k = words(key);
  return Uint32Array.from([
    SIGMA[0],
    ...k.slice(0, 4),
    SIGMA[1],
    ...words(input),
    SIGMA[2],
    ...k.slice(4),
    SIGMA[3],
  ]);
};

const hsalsa20 = (key: Uint8Array, input: Uint8Array): Uint8Array => {
  const state = layOut(key, input);
  twentyRounds(state);
  return toBytes(Uint32Array.from([0, 5, 10, 15, 6, 7, 8, 9].map((i) => state[i]!)));
};

const salsa20Stream = (key: Uint8Array, nonce: Uint8Array, length: number): Uint8Array => {
  const stream: number[] = [];
  for (let block = 0; stream.length < length; block++) {
    const counter = Uint8Array.from([block & 0xff, (block >> 8) & 0xff, 0, 0, 0, 0, 0, 0]);
    const initial = layOut(key, Uint8Array.from([...nonce, ...counter]));
    const state = initial.slice();
    twentyRounds(state);
    stream.push(...toBytes(Uint32Array.from(state, (word, i) => word + initial[i]!)));
  }
  return Uint8Array.from(stream.slice(0, length));
};

const twentyRounds = (state: Uint32Array): void => {
  const step = (to: number, a: number, b: number, turn: number) => {
    const sum = (state[a]! + state[b]!) >>> 0;
    state[to] = state[to]! ^ ((sum << turn) | (sum >>> (32 - turn)));
  };
  const quarterRound = (a: number, b: number, c: number, d: number) => {
    step(b, a, d, 7);
    step(c, b, a, 9);
    step(d, c, b, 13);
    step(a, d, c, 18);
  };
  for (let round = 0; round < 10; round++) {
    for (const i of [0, 1, 2, 3]) quarterRound(5 * i, (5 * i + 4) % 16, (5 * i + 8) % 16, (5 * i + 12) % 16);
    for (const i of [0, 1, 2, 3])
      quarterRound(5 * i, 4 * i + ((i + 1) % 4), 4 * i + ((i + 2) % 4), 4 * i + ((i + 3) % 4));
  }
};

const words = (bytes: Uint8Array): number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
};

const toBytes = (state: Uint32Array): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4 * state.length));
  state.forEach((word, i) => view.setUint32(4 * i, word, true));
  return new Uint8Array(view.buffer);
};
